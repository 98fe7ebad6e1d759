"""Every command and every block of Python that the documentation prints is understood; and run, unless a rule says why not.

The default suite runs what takes seconds, page by page in a fresh folder, in the order of the page; `pytest -m slow
tests/docs` runs what takes minutes too. What is left is listed in PARSED with its reason, and is still looked into:
program, command, options, solvers with their options, files.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blocks import PAGES, ROOT, Block, Command, blocks, commands_of, inline_commands
from understood import complaints, made_by

from sciml.cli.main import run

SLOW = {  # up to some minutes each
    r"solve problems/(ks|kdv|lorenz)\.h5 --solver (pinn-causal|etdrk4|dop853)$": "seconds to 20 s each",
    r"plot sciml-results/(ks|kdv|lorenz)/": "of what is slow",
    r"compare problems/(ks\.h5|\{ks,)": "runs of ks by a network, a minute",
    r"compare problems/ks-regular\.h5 .*--seeds": "fifteen runs",
    r"compare problems/ks-regular\.h5 .*ansatz=joint$": "ten seconds of a network in (t, x)",
    r"compare --study study\.toml": "fifteen runs of ks",
    r"compare problems/navier-stokes\.h5": "90 s",
    r"compare problems/\{burgers,ks-regular\}\.h5 --solvers insr": "two minutes",
    r"compare problems/poisson-\{sin100": "ten runs of one to two seconds",
    r"compare problems/\{poisson-xsin200|compare problems/\{poisson-2d|compare problems/allen-cahn-": "half a minute",
    r"compare problems/\{darcy-wells,darcy-channel\}": "30 s",
    r"compare problems/\{advection-square": "finite volumes, 15 s",
    r"compare problems/\{poisson,allen-cahn\}-1000?d\.h5": "four to six minutes",
    r"compare problems/transport-\*": "six problems by four solvers, two minutes",
    r"transport-images-28-l2\.h5 --solvers": "light-sb takes 5 s",
    r"pinn-causal -o ansatz=gaussians": "100 s",
    r"reference swift-hohenberg\.h5 --build": "three sharp solutions, 27 s",
    r"solve problems/spirals-sde\.h5 --solver milstein": "65536 paths for the test data, a minute",
    r"(solve|plot) .*(poisson-sin6cos100|darcy-wells|poisson-100d|navier-stokes|gray-scott|sod)": "pictures of the gallery",
    r"(solve|plot) .*(darcy-smooth|ks-ensemble|/spiral)[./].*(members|-o (darcy-smooth|ks-ensemble|spiral)\.png)":
        "pictures of the gallery; data are made first",
}  # fmt: skip
PARSED = {
    r"^(python -m )?pip |^python -m venv|^\. |plugins install": "installs packages; .ci/run does so in a fresh environment",
    r"^(python -m )?pytest|^ruff|^mypy|^lint-imports|^mkdocs|^python -m http": "the checks themselves; .ci/run calls them",
    r"_SCIML_COMPLETE": "changes the reader's shell; tests/cli/test_cli.py looks at completion",
    r"RESULT\.h5|my-equation\.toml|old/report\.json": "stands for a file of the reader's own",
    r"--solver py-pde|check-solver py-pde": "tests/cli/test_worked_example.py installs it, and runs it on smaller problems",
    r"my-method": "a package that is installed first; tests/testing makes, installs and checks one",
    r"^dask |--executor (dask|slurm)": "needs a cluster; tests/campaign has one on loopback, and submitit's local executor",
    r"--executor local": "all solvers for a minute each, or a training; tests/campaign runs small cells",
    r"--device cuda": "needs a card",
    r"^sciml train|^torchrun": "training for ten minutes and more; tests/learning trains small models",
    r"^sciml data problems/ks-ensemble\.h5 *$": "2,200 trajectories, twenty minutes; tests/test_dataset.py makes small sets",
    r"ks-ensemble\.h5 --solver pde-refiner( -o method=refiner -o samples=6)? *$|(compare|solve) problems/lorenz-series":
        "64 test members, half an hour of data on a busy machine",
    r"compare problems/(ks-ensemble|darcy-smooth|darcy-rough)\.h5": "all test members with their data, a quarter of an hour",
    r"method=adam": "ends after three minutes with exit code 1, as the page says",
    r"ansatz=mlp": "six minutes of Gauss–Newton over all weights",
    r"compare problems/(advection|taylor-green-euler)\.h5 --solvers insr": "ten minutes of fits",
    r"^python problems/build\.py": "replaces shipped files; tests/test_references.py checks what it makes",
    r"^python docs/": "test_reference.py compares the tables; the pictures' commands stand in docs/gallery.md",
    r"^python benchmarks/": "minutes to hours; numbers in the pages are what they printed",
}  # fmt: skip
Item = Command | Block


def items(page: Path) -> Iterator[Item]:
    """In the order of the page: command lines, and blocks of Python and of files."""
    for block in blocks(page):
        if block.language == "sh":
            yield from commands_of(block)
        elif block.language == "python" or block.file:
            yield block


def rule_of(item: Item) -> tuple[str, str]:
    """("slow" | "parsed", reason), or ("quick", "")."""
    if isinstance(item, Command):
        text = re.sub(r"\s+#.*", "", item.text)
        for name, rules in (("parsed", PARSED), ("slow", SLOW)):
            for pattern, reason in rules.items():
                if re.search(pattern, text):
                    return name, reason
    return "quick", ""


EVERYTHING = [item for page in PAGES for item in items(page)]
COMMANDS = [item for item in EVERYTHING if isinstance(item, Command)]
QUICK_PAGES = [page for page in PAGES if any(rule_of(item)[0] == "quick" for item in items(page))]
SLOW_PAGES = [page for page in PAGES if any(rule_of(item)[0] == "slow" for item in items(page))]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 100 and len(QUICK_PAGES) > 8


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_is_understood(page: Path) -> None:
    here: set[str] = set()
    wrong = []
    for item in items(page):
        if isinstance(item, Block):
            here |= made_by([], item.text) | ({item.file} if item.file else set())
            continue
        wrong += [f"{item.name}: {item.text}: {text}" for text in complaints(item.words(), here, inline=False)]
        here |= made_by(item.words(), "")
    for item in inline_commands(page):
        wrong += [f"{item.name}: {item.text}: {text}" for text in complaints(item.words(), here, inline=True)]
    assert wrong == []


@pytest.mark.parametrize("pattern", [*SLOW, *PARSED])
def test_every_rule_is_for_something(pattern: str) -> None:
    assert [c.name for c in COMMANDS if re.search(pattern, re.sub(r"\s+#.*", "", c.text))]


@pytest.mark.parametrize("text", [
    "sciml solv problems/ks.h5 --solver etdrk4", "sciml solve problems/ks.h5 --solver etdrk5",
    "sciml solve problems/ks.h5 --solver etdrk4 -o tolerence=1e-6", "sciml solve problems/none.h5 --solver etdrk4",
    "sciml solve problems/ks.h5 --solver etdrk4 --sed 3", "sciml compare problems/ks.h5 --solvers etdrk4:step=x",
    "sciml plot sciml-results/ks/etdrk9-*.h5", "python benchmarks/none.py", "pip install -e '.[tset]'",
    "sciml solve problems/ks.h5 --solver etdrk4 --seed one", "pytest -m quick", "curl something",
    "sciml train problems/ks-ensemble.h5 --solver etdrk4", "python benchmarks/held_out.py --nonsense",
])  # fmt: skip
def test_what_is_wrong_is_seen(text: str) -> None:
    assert complaints(Command(ROOT / "README.md", 1, text).words(), (), inline=False)


def test_an_inline_command_with_a_wrong_option_is_seen() -> None:
    assert complaints(["sciml", "solve", "FILE", "--slover", "NAME"], (), inline=True) == ["solve has no option --slover"]
    assert complaints(["sciml", "solve", "FILE", "--solver", "NAME"], (), inline=True) == []


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Path:
    """Results of all pages: a cell that two pages name is run once."""
    return tmp_path_factory.mktemp("documentation")


@pytest.fixture
def folder(tmp_path, store, monkeypatch) -> Path:
    """As if the reader stood in a checkout; what is shipped cannot be changed from here."""
    (tmp_path / "problems").mkdir()
    for path in (ROOT / "problems").glob("*.h5"):
        (tmp_path / "problems" / path.name).symlink_to(path)
    for name in ("sciml-results", "sciml-data"):
        (store / name).mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(store / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


def follow(page: Path, allowed: tuple[str, ...]) -> None:
    """Do what the page says, in this folder."""
    names: dict[str, Any] = {"__name__": "page"}
    for item in items(page):
        if rule_of(item)[0] not in allowed:
            continue
        if isinstance(item, Block):
            if item.file:
                Path(item.file).write_text(item.text)
            if item.language == "python" and re.search(r"^from \.", item.text, re.MULTILINE):
                compile(item.text, str(item.page), "exec")  # part of a package, which a test of its own installs
            elif item.language == "python":
                exec(compile("\n" * (item.line - 1) + item.text, str(item.page), "exec"), names)
            continue
        words = [found for word in item.words() for found in (sorted(glob.glob(word)) or [word])]
        assert words[0] == "sciml", f"{item.name}: {item.text} is to be run, but how? Add a rule."
        assert run(words[1:]) == 0, f"{item.name}: {item.text}"


@pytest.mark.parametrize("page", QUICK_PAGES, ids=name_of)
def test_what_a_page_says_works(page: Path, folder: Path) -> None:
    follow(page, ("quick",))
    assert os.listdir(folder)


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW_PAGES, ids=name_of)
def test_what_takes_minutes_works_too(page: Path, folder: Path) -> None:
    follow(page, ("quick", "slow"))
