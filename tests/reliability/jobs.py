"""Commands that write, each in a folder of its own, run in a child forked from this warm process; and what they leave."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

STORE = ["--store", "store", "--data", "data"]
QUICK = ("solve", "data", "new")
COMMANDS: dict[str, list[str]] = {
    "solve": ["solve", "small-ks.h5", "-s", "etdrk4", "-o", "step=0.004", *STORE],
    "solve a family": ["solve", "heat.h5", "-s", "etdrk4", "-o", "step=0.1", *STORE],
    "data": ["data", "heat.h5", "--data", "data"],
    "train": ["train", "heat.h5", "-s", "tiny", "-o", "iterations=40", *STORE],
    "reference": ["reference", "two.h5", "--build"],
    "compare": ["compare", "circle.h5", "--solvers", "taylor", "-o", "report", "--no-animation", *STORE],
    "new": ["new", "swift-hohenberg.toml", "-o", "made.h5", "--force"],
    "plot": ["plot", "circle.h5", "-o", "drawn.png"],
}


def prepare(place: Path) -> None:
    """The inputs, without references but where they are cheap."""
    from small_problems import small_ks, small_ode
    from tiny_learner import family

    from sciml import Measure, Transport
    from sciml.family import write as write_family
    from sciml.files import problem_file
    from sciml.reference.builder import exact_reference
    from sciml.transport import file as transport_file

    place.mkdir(parents=True, exist_ok=True)
    ode = small_ode()
    problem_file.write(place / "small-ks.h5", small_ks())
    problem_file.write(place / "circle.h5", ode, exact_reference(ode, {"x": "cos(t)", "y": "sin(t)"}))
    write_family(place / "heat.h5", family())
    rng = np.random.default_rng(0)
    ends = [Measure(np.full(n, 1 / n), rng.random((n, 2))) for n in (6, 9)]
    transport_file.write(place / "two.h5", Transport("two", *ends, 0.2, "l1"))
    (place / "swift-hohenberg.toml").write_bytes((Path(__file__).parents[1] / "specs/swift-hohenberg.toml").read_bytes())


def warm(place: Path, quick: bool) -> None:
    """Load what the commands load, and save a checkpoint at every step from now on. quick: a few commands only."""
    import tiny_learner

    from sciml.run import Run

    if quick:
        for name in COMMANDS.keys() - set(QUICK):
            del COMMANDS[name]
    if Run.__init__.__kwdefaults__["checkpoint_every"] > 0:
        tiny_learner.register()
        Run.__init__.__kwdefaults__["checkpoint_every"] = 0.0
    prepare(place)
    for command in COMMANDS.values():
        assert _run(place, command) == 0, command


def started(place: Path, command: list[str], before: Callable[[], object] = int, said: Path | None = None) -> int:
    """The process id of a child that runs the command there; `before` is called first, `said` takes what it prints."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        code = 70
        try:
            out = os.open(said or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(out, 1)
            os.dup2(out, 2)
            before()
            code = _run(place, command, quiet=False)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    return child


def _run(place: Path, command: list[str], quiet: bool = True) -> int:
    from contextlib import redirect_stderr, redirect_stdout

    from sciml.cli.main import run

    os.chdir(place)
    if not quiet:
        return run(list(command))
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        return run(list(command))


def finished(child: int, seconds: float = 300.0) -> int:
    """Its exit code, negative for a signal. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    raise TimeoutError(f"process {child} did not end within {seconds:g} s")


def left(place: Path) -> dict[str, str]:
    """Every file below a folder, with a digest of what a number in it could depend on: not times, nor the clock."""
    return {str(p.relative_to(place)): digest(p) for p in sorted(place.rglob("*")) if p.is_file()}


def digest(path: Path) -> str:
    from sciml.kinds import kind_of
    from sciml.learning import Model
    from sciml.report.against import read_old

    found = hashlib.sha256()
    if path.suffix == ".h5":
        kind = kind_of(path)
        kind.check(path)
        if kind.is_result(path):
            return _arrays(path)
    if path.suffix == ".safetensors":
        model = Model.read(path)
        for name, value in sorted(model.weights.items()):
            found.update(name.encode() + value.tobytes())
        return found.hexdigest()
    if path.name == "report.json":
        return str(sorted((p.name, p.content_hash, len(p.ranking)) for p in read_old(path).problems))
    if path.suffix in (".html", ".md", ".csv"):  # times stand in them
        return str(path.stat().st_size > 100)
    found.update(path.read_bytes())
    return found.hexdigest()


def _arrays(path: Path) -> str:
    """Of a result: all its arrays; times and versions stand in its text."""
    import h5py

    found = hashlib.sha256()

    def add(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and not name.startswith("VTKHDF"):
            found.update(name.encode() + item[()].tobytes())

    with h5py.File(path) as file:
        file.visititems(add)
    return found.hexdigest()
