"""A stranger's package with an entry point, which processes that a test starts find as they find any other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sciml import registry

HERE = Path(__file__).parent
COMMAND = (  # in the background of a shell Ctrl-C is ignored, here it is as in a terminal
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from sciml.cli.main import run; sys.exit(run(sys.argv[1:]))"
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ode_file: Path):
    """A folder with circle.h5, where the solver `odd` is installed; `odd.log` tells what it did."""
    about = tmp_path / "installed" / "odd_solver-1.dist-info"
    about.mkdir(parents=True)
    shutil.copy(HERE / "odd_solver.py", tmp_path / "installed")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-solver\nVersion: 1\n")
    ours = "" if registry.executors() else "executors = sciml_executors\n"  # an installation that is older than they are
    (about / "entry_points.txt").write_text(f"[sciml]\nodd = odd_solver\n{ours}")
    monkeypatch.syspath_prepend(str(tmp_path / "installed"))
    path = os.pathsep.join([str(tmp_path / "installed"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path.rstrip(os.pathsep))
    monkeypatch.setenv("ODD_LOG", str(tmp_path / "odd.log"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)
    registry.plugins.cache_clear()
    yield tmp_path
    registry.plugins.cache_clear()
    sys.modules.pop("odd_solver", None)


@pytest.fixture
def command(place: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`sciml …` as a process of its own."""

    started = []

    def call(*arguments: object) -> subprocess.Popen[str]:
        started.append(subprocess.Popen(
            [sys.executable, "-c", COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        ))  # fmt: skip
        return started[-1]

    yield call
    for process in started:
        process.kill()  # its workers find themselves alone, and end
