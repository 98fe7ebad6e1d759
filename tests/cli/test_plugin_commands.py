"""A package from `sciml new-plugin` works as it is, installed by pip into an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def sciml(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sciml.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload, no-any-return]


def test_a_new_plugin_is_found_and_passes_its_tests(tmp_path: Path) -> None:
    """Installed without its dependencies (they are here) into a folder that comes first on the path."""
    done = sciml("new-plugin", "my-rk", "-o", tmp_path)
    assert done.returncode == 0 and "sciml check-solver my-rk" in done.stderr
    package, site = tmp_path / "sciml-my-rk", tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(site)]
    installed = subprocess.run([*pip, str(package)], capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(site), *filter(None, sys.path)]))
    listed = sciml("plugins", env=environment)
    assert "my-rk" in listed.stdout and "sciml-my-rk 0.1.0" in listed.stdout
    checked = sciml("check-solver", "my-rk", "--tolerance", "1e-8", env=environment)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("ok ") == 12 and "13 of 13 checks hold" in checked.stderr
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", str(package / "tests")],
        capture_output=True, text=True, env=environment, cwd=package, check=False,
    )  # fmt: skip
    assert tests.returncode == 0 and "13 passed, 1 skipped" in tests.stdout, tests.stdout


@pytest.mark.parametrize("name", ["My-RK", "rk_4", "4th", "../up", "-x", ""])
def test_bad_names(name: str, tmp_path: Path) -> None:
    done = sciml("new-plugin", "-o", tmp_path, "--", name)
    assert done.returncode == 2 and "is not a solver's name" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "sciml-rk").mkdir()
    done = sciml("new-plugin", "rk", "-o", tmp_path)
    assert done.returncode == 2 and "is there already" in done.stderr
    assert not list((tmp_path / "sciml-rk").iterdir())


def test_a_solver_that_fails_a_check_is_exit_code_1() -> None:
    done = sciml("check-solver", "dop853", "--tolerance", "1e-300")
    assert done.returncode == 1 and "FAILED  accurate" in done.stdout and "asked were 1e-300" in done.stdout


def test_pip_that_fails_is_one_sentence(tmp_path: Path) -> None:
    done = sciml("plugins", "install", "--no-index", tmp_path / "nothing-here")
    assert done.returncode == 1 and "pip did not install" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
