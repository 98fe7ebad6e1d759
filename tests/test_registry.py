"""Plugins are strangers: whatever one does, it is listed with the reason, and the others work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sciml import registry
from sciml.errors import RunFailed, UsageError

HEADER = """
from typing import ClassVar
from pydantic import Field
from sciml import hookimpl
from sciml.solver import Solver, Solves

class Good(Solver):
    name: ClassVar[str] = "euler"
    solves: ClassVar[Solves] = Solves(kind={"evolution"}, dim={"0"})
    steps: int = Field(10, description="steps")
    def solve(self, problem, run): ...

@hookimpl
def register_solvers(): return [Good]
"""


def body(returned: str, before: str = "") -> str:
    """A plugin that returns something else; `before` may define what."""
    return HEADER.replace("@hookimpl", f"{before}\n@hookimpl").replace("[Good]", returned)



def metric(returned: str, more: str = "pass") -> str:
    """A plugin with a sound solver and a metric that may not be one."""
    return f"""{HEADER}
from sciml import Metric
class Half(Metric):
    name = "half"
    {more}

@hookimpl
def register_metrics(): return [{returned}]
"""


BROKEN = {
    "raises": ("raise ImportError('no such library')", "ImportError: no such library"),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "syntax": ("def (", "SyntaxError"),
    "newer": (HEADER + "\nSCIML_API = 99", "interface 99, this is 1: upgrade sciml-toolkit"),
    "older": (HEADER + "\nSCIML_API = 0", "interface 0, this is 1: upgrade the plugin"),
    "not a number": (HEADER + "\nSCIML_API = 'one'", "TypeError"),
    "hook raises": (body("1/0"), "ZeroDivisionError"),
    "number": (body("7"), "TypeError"),
    "text": (body("'euler'"), "not a subclass of sciml.Solver"),
    "object": (body("[object()]"), "not a subclass of sciml.Solver"),
    "an instance": (body("[Good()]"), "not a subclass of sciml.Solver"),
    "abstract": (body("[A]", "class A(Solver):\n    name: ClassVar[str] = 'a'\n    solves: ClassVar[Solves] = Solves()"),
        "does not define solve"),
    "nameless": (body("[A]", "class A(Solver):\n    solves: ClassVar[Solves] = Solves()\n"
                             "    def solve(self, problem, run): ..."), "no class attribute 'name'"),
    "name is a number": (body("[A]", "class A(Good):\n    name: ClassVar[int] = 3"), "'name'"),
    "solves is a list": (body("[A]", "class A(Good):\n    solves: ClassVar[list] = []"), "'solves'"),
    "undocumented": (body("[A]", "class A(Good):\n    width: int = 3"), "option 'width' of euler has no description"),
    "metric is a number": (metric("7"), "not a subclass of sciml.Metric"),
    "metric without a version": (metric("Half"), "Half has no text 'version'"),
    "metric without measure": (metric("Half", "version = summary = '1'"), "does not define measure"),
    "no default": (body("[A]", "class A(Good):\n    width: int = Field(description='w')"), "'width'.*no default"),
}  # fmt: skip

EXECUTOR = """
from typing import ClassVar
from pydantic import Field
from sciml import Executor, hookimpl

class Mine(Executor):
    name: ClassVar[str] = "mine"
    queue: str = Field("", description="where jobs wait")
    def run(self, cells, site): return iter(())

@hookimpl
def register_executors(): return [Mine]
"""
BROKEN |= {
    "not an executor": (EXECUTOR.replace("[Mine]", "[object]"), "not a subclass of sciml.Executor"),
    "nameless executor": (EXECUTOR.replace('name: ClassVar[str] = "mine"', "pass"), "'name' must be a text"),
    "abstract executor": (EXECUTOR.replace("def run", "def walk"), "Mine does not define run"),
    "undocumented executor": (EXECUTOR.replace('Field("", description="where jobs wait")', '""'), "option 'queue' of mine has no description"),
}

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """`install(name=source, …)` makes these the only plugins."""
    monkeypatch.syspath_prepend(tmp_path)
    for variable in ("SCIML_DISABLE", "SCIML_LOAD_PLUGINS", "SCIML_STRICT"):
        monkeypatch.delenv(variable, raising=False)

    def call(**sources: str) -> None:
        found = []
        for name, source in sources.items():
            module = f"sciml_test_{name}"
            sys.modules.pop(module, None)
            (tmp_path / f"{module}.py").write_text(source)
            found.append(registry.EntryPoint(name, module, registry.GROUP))
        monkeypatch.setattr(registry, "entry_points", lambda group: found if group == registry.GROUP else [])
        registry.plugins.cache_clear()

    yield call
    for module in [m for m in sys.modules if m.startswith("sciml_test_")]:
        del sys.modules[module]
    registry.plugins.cache_clear()


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_listed_and_the_others_work(install: Install, case: str) -> None:
    source, says = BROKEN[case]
    install(bad=source, good=HEADER)
    bad, good = registry.plugins()
    assert (bad.name, bad.status, bad.solvers) == ("bad", "broken", [])
    with pytest.raises(Exception, match=says):
        raise Exception(bad.problem)
    assert "\n" not in bad.problem
    assert (good.name, good.status) == ("good", "ok")
    assert list(registry.solvers()) == ["euler"]
    assert registry.get_solver("euler") is good.solvers[0]
    assert registry.plugin_of(good.solvers[0]) is good
    with pytest.raises(UsageError, match=r"broken plugins, see `sciml plugins`: bad"):
        registry.get_solver("nothing")


def test_a_module_that_is_not_there(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install(good=HEADER)
    gone = registry.EntryPoint("gone", "sciml_test_gone", registry.GROUP)
    good = registry.entry_points(group=registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [gone, *good])
    registry.plugins.cache_clear()
    assert [p.status for p in registry.plugins()] == ["broken", "ok"]
    assert "sciml_test_gone" in registry.plugins()[0].problem


def test_ctrl_c_while_loading_is_not_a_broken_plugin(install: Install) -> None:
    install(bad="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        registry.plugins()


def test_two_plugins_with_one_name_are_told_apart(install: Install) -> None:
    other = HEADER.replace("steps", "substeps")
    install(one=HEADER, two=other)
    assert list(registry.solvers()) == ["one/euler", "two/euler"]
    assert "steps" in registry.get_solver("one/euler").model_fields
    assert "substeps" in registry.get_solver("two/euler").model_fields
    with pytest.raises(UsageError, match="several plugins; write one/euler or two/euler"):
        registry.get_solver("euler")
    install(one=HEADER)
    assert registry.get_solver("one/euler") is registry.get_solver("euler")  # the long name always works


def test_executors_are_found_like_solvers(install: Install) -> None:
    install(one=EXECUTOR, good=HEADER)
    assert list(registry.executors()) == ["mine"] and list(registry.solvers()) == ["euler"]
    mine = registry.get_executor("mine").from_strings({"queue": "long", "hard_limit": "3"})
    assert (mine.limit(None), mine.limit(10.0)) == (3.0, 3.0) and registry.get_executor("one/mine")().limit(10.0) == 45.0
    with pytest.raises(UsageError, match="there is no executor 'mime'; did you mean 'mine'"):
        registry.get_executor("mime")
    with pytest.raises(UsageError, match="mine has no option 'cue'; did you mean 'queue'"):
        registry.get_executor("mine").build(cue="x")
    install(one=EXECUTOR, two=EXECUTOR)
    assert list(registry.executors()) == ["one/mine", "two/mine"]


def test_did_you_mean(install: Install) -> None:
    install(good=HEADER)
    with pytest.raises(UsageError, match="there is no solver 'eular'; did you mean 'euler'"):
        registry.get_solver("eular")
    with pytest.raises(UsageError, match="known: euler"):
        registry.get_solver("qqqq")
    with pytest.raises(UsageError, match="good/eule"):
        registry.get_solver("good/eule")


@pytest.mark.parametrize(
    ("variable", "value", "works"),
    [
        ("SCIML_DISABLE", "one", ["two/euler"]), ("SCIML_DISABLE", " one , two ", []), ("SCIML_DISABLE", "", ["one", "two"]),
        ("SCIML_LOAD_PLUGINS", "one", ["one/euler"]), ("SCIML_LOAD_PLUGINS", "", []),
        ("SCIML_LOAD_PLUGINS", "one,two", ["one", "two"]),
    ],
)  # fmt: skip
def test_plugins_are_chosen_by_the_environment(
    install: Install, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, works: list[str]
) -> None:
    install(one=HEADER, two=HEADER)
    monkeypatch.setenv(variable, value)
    active = [plugin.name for plugin in registry.plugins() if plugin.solvers]
    assert active == [name.partition("/")[0] for name in works]
    assert {p.status for p in registry.plugins() if not p.solvers} <= {"disabled by the environment"}


def test_a_disabled_plugin_is_not_imported(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install(bad="raise RuntimeError('imported')", good=HEADER)
    monkeypatch.setenv("SCIML_DISABLE", "bad")
    monkeypatch.setenv("SCIML_STRICT", "1")
    assert [p.status for p in registry.plugins()] == ["disabled by the environment", "ok"]
    assert "sciml_test_bad" not in sys.modules


@pytest.mark.parametrize("source", ["raise ImportError('gone')", "import sys; sys.exit('gone')"])
def test_strict_makes_a_broken_plugin_an_error(
    install: Install, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    install(bad=source, good=HEADER)
    monkeypatch.setenv("SCIML_STRICT", "1")
    with pytest.raises(RunFailed, match="plugin 'bad' is broken: gone"):
        registry.plugins()


def test_the_own_plugins_are_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIML_STRICT", "1")
    registry.plugins.cache_clear()
    assert {"etdrk4", "if-dop853", "taylor", "dop853", "pinn-causal"} <= set(registry.solvers())
