"""Small problems and a command line for tests."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does, before torch is loaded
if "PYTEST_XDIST_WORKER" in os.environ:  # processes share the cores: a thread each
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_problems import small_ks, small_ode, small_plane

from sciml.files import problem_file


@pytest.fixture
def ks_file(tmp_path: Path) -> Path:
    path = tmp_path / "small-ks.h5"
    problem_file.write(path, small_ks())
    return path


@pytest.fixture
def ode_file(tmp_path: Path) -> Path:
    path = tmp_path / "circle.h5"
    problem_file.write(path, small_ode())
    return path


@pytest.fixture
def plane_file(tmp_path: Path) -> Path:
    path = tmp_path / "plane.h5"
    problem_file.write(path, small_plane())
    return path


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """`cli("solve", path, …)` as the console script would run it; asserts that no traceback is shown."""
    from sciml.cli.main import run

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(a) for a in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        if code:
            assert captured.err.startswith("sciml: ")
            assert len(captured.err.strip().splitlines()) <= 2
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def tiny(monkeypatch):
    """The tiny learned solver, registered for the time of a test."""
    import tiny_learner

    from sciml import registry

    mine = registry.Plugin("tiny-plugin", "tests", "0", "tiny_learner", [tiny_learner.Tiny])
    everything = (*registry.plugins(), mine)
    monkeypatch.setattr(registry, "plugins", lambda: everything)
    monkeypatch.setattr(tiny_learner.Tiny, "fails_at", 0)
    return tiny_learner


@pytest.fixture
def transport_plugin(monkeypatch):
    """The plugin sinkhorn-newton is there, whether or not the installation under test knows its entry point."""
    import sciml_sinkhorn_newton as plugin

    from sciml import registry

    if "sinkhorn-newton" not in registry.solvers():
        mine = registry.Plugin("sinkhorn-newton", "tests", "0", plugin.__name__, plugin.register_solvers())
        everything = (*registry.plugins(), mine)
        monkeypatch.setattr(registry, "plugins", lambda: everything)
