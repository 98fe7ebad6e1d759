"""What happens where kernels cannot be compiled: a sentence, and the other path with the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sciml_classical.solver import Etdrk4

from sciml import Run
from sciml.files.problem_file import read as read_problem
from sciml.kernels.native import compile

PROBLEMS = Path(__file__).parents[2] / "problems"


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Each test looks for a compiler anew."""
    compile.library.cache_clear(), compile.notice.cache_clear()
    yield
    compile.library.cache_clear(), compile.notice.cache_clear()


def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert compile.library("line") is None
    assert "no C++ compiler" in compile.notice("line")


def test_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIML_KERNELS", "torch")
    assert compile.library("line") is None
    assert "switched off" in compile.notice("line")


@pytest.mark.skipif(compile.compiler() is None, reason="no C++ compiler here")
def test_a_compiler_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXX", "false")
    monkeypatch.setenv("SCIML_CACHE", str(tmp_path))
    assert compile.library("line") is None
    assert "could not be compiled" in compile.notice("line")
    assert not list(tmp_path.iterdir())  # nothing half-written


@pytest.mark.skipif(compile.compiler() is None, reason="no C++ compiler here")
def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SCIML_CACHE", str(tmp_path / "file" / "folder"))
    assert compile.library("line") is None
    assert compile.notice("line")


@pytest.mark.skipif(compile.compiler() is None, reason="no C++ compiler here")
def test_compiled_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCIML_CACHE", str(tmp_path))
    assert compile.must_compile("line")
    assert compile.library("line") is not None
    assert not compile.must_compile("line")
    (built,) = tmp_path.iterdir()
    written = built.stat().st_mtime_ns
    compile.library.cache_clear()
    assert compile.library("line") is not None
    assert built.stat().st_mtime_ns == written


def test_the_solver_takes_the_other_path_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = read_problem(PROBLEMS / "ks-regular.h5")
    usual, run = Run(), Run()
    expected = Etdrk4.build().solve(problem, usual)
    monkeypatch.setenv("CXX", "no-such-compiler")
    compile.library.cache_clear()
    found = Etdrk4.build().solve(problem, run)
    assert run.paths["exponential step"].startswith("numpy: no C++ compiler")
    assert np.linalg.norm(found.values["u"] - expected.values["u"]) < 1e-10 * np.linalg.norm(expected.values["u"])
