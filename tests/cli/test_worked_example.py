"""The plugin of docs/how-to/wrap-a-library.md, installed by pip into an environment of its own, as a stranger's would be."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "docs/examples/sciml-py-pde"
PAGE = ROOT / "docs/how-to/wrap-a-library.md"


def run(*command: object, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload, no-any-return]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a fresh environment that sees what is installed here, and into which the package is put by pip."""
    pytest.importorskip("pde")
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False)
    found = folder / "bin/python"
    site = run(found, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
    here = [sysconfig.get_path("purelib"), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), ROOT, ROOT / "plugins"]
    Path(site, "here.pth").write_text("\n".join(map(str, here)))
    pip = [sys.executable, "-m", "pip", "--python", found, "install", "-q", "--no-deps", "--no-build-isolation"]
    done = run(*pip, PACKAGE)
    assert done.returncode == 0, done.stderr
    return found


def sciml(python: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["NUMBA_DISABLE_JIT"] = "1"  # py-pde's operators take seconds to compile, these problems none to solve
    return run(python, "-m", "sciml.cli.main", *arguments, env=environment)


def test_it_is_found(python: Path) -> None:
    done = sciml(python, "plugins")
    assert "sciml-py-pde 0.1.0" in done.stdout, done.stdout + done.stderr
    assert "py-pde" in sciml(python, "solvers").stdout
    assert sciml(Path(sys.executable), "solvers", "py-pde").returncode == 2, "it must be that environment's, not this one's"


def test_it_solves_a_shipped_problem(python: Path, tmp_path: Path) -> None:
    (tmp_path / "heat.toml").write_text(
        'name = "heat"\nequation = ["u_t = d*u_xx"]\nfields = ["u"]\ntimes = {end = 1, count = 3}\n'
        '[parameters]\nd = 0.1\n[[axes]]\nname = "x"\nlower = 0\nupper = "2*pi"\nsize = 32\n[initial]\nu = "sin(x)"\n'
    )
    made = sciml(python, "new", tmp_path / "heat.toml", "-o", tmp_path / "heat.h5")
    assert made.returncode == 0, made.stderr
    done = sciml(python, "solve", tmp_path / "heat.h5", "--solver", "py-pde", "--store", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    refused = sciml(python, "solve", ROOT / "problems/lorenz.h5", "--solver", "py-pde", "--store", tmp_path / "kept")
    assert refused.returncode == 2 and "does not work in 0 space dimension(s)" in refused.stderr


def test_it_keeps_the_promises(python: Path) -> None:
    done = sciml(python, "check-solver", "py-pde", "--tolerance", "1e-2")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_shows_the_package_as_it_is() -> None:
    """Every block that names a file is that file."""
    text, shown = PAGE.read_text(), 0
    for path in (PACKAGE / "sciml_py_pde").glob("*.py"):
        block = text.split(f"`{path.name}`:\n", 1)[1].split("```python\n", 1)[1].split("```", 1)[0]
        assert block == path.read_text(), path.name
        shown += 1
    assert shown == 4


@pytest.mark.slow
def test_from_nothing_with_all_its_dependencies(tmp_path: Path) -> None:
    """An empty environment, sciml and the package from their folders, everything else from the registry."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    done = run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", ROOT, PACKAGE)
    assert done.returncode == 0, done.stderr
    assert sciml(python, "check-solver", "py-pde", "--tolerance", "1e-2").returncode == 0
