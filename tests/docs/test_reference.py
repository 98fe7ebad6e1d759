"""The reference says what the code says."""

from __future__ import annotations

import importlib.util
import re

import pluggy
from blocks import ROOT

import sciml
from sciml import hookspecs, registry
from sciml.cli.main import COMMANDS

REFERENCE = ROOT / "docs" / "reference"


def solver_tables():
    spec = importlib.util.spec_from_file_location("solver_tables", ROOT / "docs" / "solver_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_solvers_is_what_the_classes_say() -> None:
    page = REFERENCE / "solvers.md"
    assert solver_tables().updated(page.read_text()) == page.read_text(), "run python docs/solver_tables.py"


def test_that_page_loses_no_remark_and_no_solver() -> None:
    tables = solver_tables()
    page = "# Solvers\n\n<!-- from code -->\n<!-- end -->\n\nText.\n\n## taylor\n\n<!-- from code -->\nold\n<!-- end -->\n\nMine.\n"
    made = tables.updated(page)
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", made, re.DOTALL | re.MULTILINE))
    assert set(sections) == set(tables.solvers()) and "Text." in made and "old" not in made
    assert sections["taylor"].rstrip().endswith("Mine.") and "| `digits` |" in sections["taylor"]
    assert "`periodic`" in sections["etdrk4"] and "@article{Krogstad2005" in sections["etdrk4"]


def test_every_command_has_a_line() -> None:
    text = (REFERENCE / "command-line.md").read_text()
    assert [name for name in COMMANDS if f"| `sciml {name}" not in text] == []


def test_every_public_name_is_in_the_reference_of_python_or_of_plugins() -> None:
    text = "".join((REFERENCE / f"{page}.md").read_text() for page in ("python", "plugins"))
    described = {found.rpartition(".")[2] for found in re.findall(r"^::: (\S+)", text, re.MULTILINE)}
    described |= set(re.findall(r'heading: "(\w+)"', text))
    names = set(sciml.__all__) - {"__version__"}
    assert names - described - {"hookimpl"} == set() and "`sciml.hookimpl`" in text


def test_what_the_reference_names_exists() -> None:
    for page in REFERENCE.glob("*.md"):
        for found in re.findall(r"^::: (sciml\S*)", page.read_text(), re.MULTILINE):
            module, _, attribute = found.rpartition(".")
            try:
                importlib.import_module(found)
            except ModuleNotFoundError:
                assert hasattr(importlib.import_module(module), attribute), f"{page.name}: {found}"


def test_every_hook_says_what_it_is_for() -> None:
    manager = pluggy.PluginManager("sciml")
    manager.add_hookspecs(hookspecs)
    hooks = [name for name in vars(manager.hook) if not name.startswith("_")]
    assert {"register_solvers", "register_metrics"} <= set(hooks)
    assert all(getattr(hookspecs, name).__doc__ for name in hooks)


def test_every_module_of_metrics_is_in_the_table() -> None:
    text = (REFERENCE / "metrics.md").read_text()
    modules = {path.stem for path in (ROOT / "sciml" / "metrics").glob("*.py")} - {"__init__"}
    assert {name for name in modules if f"sciml.metrics.{name}" not in text} == set()


def test_what_our_solvers_cite_is_bibtex() -> None:
    for name, cls in registry.solvers().items():
        if cls.citation:
            assert re.match(r"@\w+\{\w+,", cls.citation) and cls.citation.count("{") == cls.citation.count("}"), name
