"""Sound files of every kind, as the commands write them: `python corpus.py FOLDER`. What the fuzzer of files damages."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
SMALL = 100_000  # bytes of a shipped file that is taken too
STUDY = """
title = "one"
problems = ["small-ks.h5"]
seeds = [0, 1]
budget = 10.0

[[solvers]]
name = "etdrk4"
options = {step = [0.02, 0.01], modes = 8}
"""


def make(place: Path, quick: bool = False) -> None:
    """Problems, a family with data, results, models, specifications, a study, a report, files of others."""
    sys.path.insert(0, str(TESTS))
    import tiny_learner
    from small_problems import small_ks, small_ode, small_plane

    from sciml import Measure, Transport
    from sciml.cli.main import run
    from sciml.family import write as write_family
    from sciml.files import problem_file
    from sciml.transport import file as transport_file

    tiny_learner.register()
    place.mkdir(parents=True, exist_ok=True)
    for problem in (small_ks(), small_ode(), small_plane()):
        problem_file.write(place / f"{problem.name}.h5", problem)
    write_family(place / "heat.h5", tiny_learner.family())
    rng = np.random.default_rng(0)
    ends = [Measure(np.full(n, 1 / n), rng.random((n, 2))) for n in (8, 12)]
    transport_file.write(place / "two.h5", Transport("two", *ends, 0.1, "l1"))
    store = ["--store", str(place / "store"), "--data", str(place / "data")]
    commands = [
        ["reference", "small-ks.h5", "--build"],
        ["solve", "small-ks.h5", "-s", "etdrk4", "-o", "step=0.01", *store],
        ["solve", "circle.h5", "-s", "taylor", *store],
        ["data", "heat.h5", *store[2:]],
        ["solve", "heat.h5", "-s", "etdrk4", "-o", "step=0.05", *store],
        ["train", "heat.h5", "-s", "tiny", "-o", "iterations=2", *store],
        ["solve", "two.h5", "-s", "sinkhorn-newton", *store],
        ["compare", "small-ks.h5", "--solvers", "etdrk4:step=0.01", "-o", "report", "--no-animation", *store],
    ]  # fmt: skip
    commands = [commands[i] for i in (1, 3, 5)] if quick else commands
    if quick:
        sys.path.insert(0, str(TESTS / "report"))
        import made

        (place / "report.json").write_text(json.dumps(made.data(made.section([made.row("old", 1e-6, 1.0)]))))
    for command in commands:
        code = run([str(place / word) if word.endswith(".h5") or word == "report" else word for word in command])
        assert code == 0, command
    for spec in sorted((TESTS / "specs").glob("*.toml")):
        shutil.copy(spec, place)
    (place / "study.toml").write_text(STUDY)
    _foreign(place)
    shipped = [*(ROOT / "problems").glob("*.h5"), *(ROOT / "plugins").glob("*/models/*.safetensors")]
    for path in sorted(shipped):
        if path.stat().st_size < SMALL:
            shutil.copy(path, place / f"shipped-{path.name}")


def _foreign(place: Path) -> None:
    """PDEBench's two layouts; The Well's is that of our own data."""
    rng = np.random.default_rng(1)
    with h5py.File(place / "pdebench-tensor.hdf5", "w") as file:
        file.create_dataset("tensor", data=rng.normal(size=(4, 5, 8)).astype(np.float32), compression="gzip")
        file["t-coordinate"], file["x-coordinate"] = np.linspace(0, 1.25, 6), (np.arange(8) + 0.5) / 8
    with h5py.File(place / "pdebench-groups.hdf5", "w") as file:
        for member in range(3):
            file[f"{member:04d}/data"] = rng.normal(size=(5, 8, 2))
            file[f"{member:04d}/grid/t"], file[f"{member:04d}/grid/x"] = np.linspace(0, 1, 5), np.arange(8.0)


def files(place: Path) -> list[Path]:
    """Those of the corpus, in an order that is the same everywhere."""
    kinds = (".h5", ".hdf5", ".safetensors", ".toml", ".json")
    found = [path for path in place.rglob("*") if path.suffix in kinds and path.is_file()]
    return sorted(found, key=lambda path: (path.name.startswith("shipped-"), path.suffix, path.name))


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2:] == ["quick"])
