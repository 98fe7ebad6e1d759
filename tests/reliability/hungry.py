"""Small sound files that ask for much memory, of every kind that a reader takes: HUNGRY[name](folder, n) writes one for
arrays of about n numbers and returns what reads it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from small_problems import small_ks, small_plane
from tiny_learner import family

from sciml import Axis, Equation, Grid, Measure, Problem, Transport
from sciml.dataset.foreign import read_foreign
from sciml.family import write as write_family
from sciml.files import problem_file
from sciml.files.hdf5 import write_json
from sciml.files.spec_file import read_any
from sciml.kinds import kind_of
from sciml.learning.model import Model
from sciml.transport import file as transport_file

CHUNK = 2**14
Reading = Callable[[], object]


def packed(file: h5py.File, place: str, shape: tuple[int, ...], dtype: str = "f8", value: float = 1.0) -> None:
    """An array of one number everywhere, in a few bytes for each of its chunks; nothing of it is held."""
    if place in file:
        del file[place]
    last = max(min(shape[-1], CHUNK), 1)
    chunks = (*(1 for _ in shape[2:]), max(1, min(shape[-2], CHUNK // last)), last) if len(shape) > 1 else (last,)
    dataset = file.create_dataset(place, shape, dtype, chunks=chunks, compression="gzip")
    raw = zlib.compress(np.full(chunks, value, dtype).tobytes(), 9)
    for index in np.ndindex(*(-(-n // step) for n, step in zip(shape, chunks, strict=True))):
        dataset.id.write_direct_chunk(tuple(i * step for i, step in zip(index, chunks, strict=True)), raw)


def described(path: Path, change: Callable[[dict[str, Any]], None], entry: str = "problem") -> None:
    with h5py.File(path, "r+") as file:
        data = json.loads(file[f"sciml/{entry}"].asstr()[()])
        del file[f"sciml/{entry}"]
        change(data)
        write_json(file["sciml"], entry, data)


def checked(path: Path) -> Reading:
    return lambda: kind_of(path).check(path)


def formula(folder: Path, n: int) -> Reading:
    """A grid that only a formula fills, and a formula that needs much beside it."""
    problem_file.write(folder / "p.h5", small_ks())

    def change(data: dict[str, Any]) -> None:
        data["axes"][0]["size"] = n
        text = "sin(x)*cos(2*x)"
        for i in range(6):
            text = f"(sin(x + {i})*({text}))"
        data["initial"]["u"] = f"{text} + {text}"

    described(folder / "p.h5", change)
    return checked(folder / "p.h5")


def walls(folder: Path, n: int) -> Reading:
    """Values on the long side of a steady problem's box."""
    axes = (Axis("x", 0.0, 1.0, 4, "dirichlet"), Axis("y", 0.0, 1.0, 8, "dirichlet"))
    equation = Equation.parse(["laplacian(u) = 1"], ["u"], ["x", "y"])
    wall = {"u": {"x": {"lower": "sin(y)*cos(y)"}}}
    problem = Problem("walls", equation, Grid(axes, np.zeros(1)), kind="steady", boundary_text=wall)
    problem_file.write(folder / "p.h5", problem)
    described(folder / "p.h5", lambda data: data["axes"][1].update(size=n))
    return checked(folder / "p.h5")


def start(folder: Path, n: int) -> Reading:
    """Initial values, packed."""
    problem_file.write(folder / "p.h5", small_plane())
    side = int(n**0.5)
    described(folder / "p.h5", lambda data: [axis.update(size=side) for axis in data["axes"]])
    with h5py.File(folder / "p.h5", "r+") as file:
        packed(file, "sciml/initial/w", (side, side))
    return checked(folder / "p.h5")


def given(folder: Path, n: int) -> Reading:
    """A coefficient on the grid, packed."""
    axes = tuple(Axis(name, 0.0, 1.0, 4, "dirichlet") for name in "xy")
    equation = Equation.parse(["d_x(a*u_x) + d_y(a*u_y) = 1"], ["u"], ["x", "y"], given=["a"])
    problem = Problem("given", equation, Grid(axes, np.zeros(1)), kind="steady", given={"a": np.ones((4, 4))})
    problem_file.write(folder / "p.h5", problem)
    side = int(n**0.5)
    described(folder / "p.h5", lambda data: [axis.update(size=side) for axis in data["axes"]])
    with h5py.File(folder / "p.h5", "r+") as file:
        packed(file, "sciml/given/a", (side, side))
    return checked(folder / "p.h5")


def times(folder: Path, n: int) -> Reading:
    """Output times that claim n, which do not rise."""
    problem_file.write(folder / "p.h5", small_ks())
    with h5py.File(folder / "p.h5", "r+") as file:
        packed(file, "sciml/times", (n,))
    return checked(folder / "p.h5")


def points(folder: Path, n: int) -> Reading:
    """Points of a ball of ten dimensions, and a sum over their coordinates."""
    from sciml.ball import Ball

    posed = Ball(10, 1.0, np.zeros((2, 10)), {"c": np.ones(9)})
    equation = Equation.parse(["laplacian(u) + sum(c[i]*sin(x[i] + x[i+1])) = -20"], ["u"], (), {}, ["x", "c"])
    problem_file.write(folder / "p.h5", Problem("ball", equation, Grid((), np.zeros(1)), kind="ball", ball=posed))
    with h5py.File(folder / "p.h5", "r+") as file:
        packed(file, "sciml/ball/points", (n // 10, 10), value=0.1)
    return checked(folder / "p.h5")


def result(folder: Path, n: int) -> Reading:
    """Values and spread of a result."""
    from sciml.files import result_file
    from sciml.files.result_file import Result
    from sciml.solution import Solution

    problem = small_ks()
    zeros = {"u": np.zeros((11, 32))}
    plain: dict[str, Any] = {"provenance": {}, "ledger": {}, "scores": None, "cell": "c"}
    found = Result(problem, Solution(zeros, std=zeros), "s", "p", "1", {}, 0, "cpu", "float64", **plain)
    result_file.write(folder / "r.h5", found)
    with h5py.File(folder / "r.h5", "r+") as file:
        count = n // 32
        del file["sciml/times"]
        file["sciml/times"] = np.linspace(0.0, 1.0, count)
        for name in ("u", "u_std"):
            packed(file, f"t0_fields/{name}", (count, 32))
        packed(file, "sciml/history/loss", (n,))
    return checked(folder / "r.h5")


def pictures(folder: Path, n: int) -> Reading:
    """Weights on a grid in bytes, which become numbers and places."""
    axis = np.linspace(0.0, 1.0, 4)
    grid = Measure(np.ones((4, 4)), axes=(axis, axis))
    transport_file.write(folder / "t.h5", Transport("pictures", grid, grid, 0.1, "l1", normalise=True))
    side = int(n**0.5)
    with h5py.File(folder / "t.h5", "r+") as file:
        for end in ("source", "target"):
            packed(file, f"sciml/{end}/weights", (side, side), "u1")
            for k in "01":
                del file[f"sciml/{end}/axes/{k}"]
                file[f"sciml/{end}/axes/{k}"] = np.linspace(0.0, 1.0, side)
    return checked(folder / "t.h5")


def clouds(folder: Path, n: int) -> Reading:
    """Weights and points, packed."""
    cloud = Measure(np.full(4, 0.25), np.zeros((4, 2)))
    transport_file.write(folder / "t.h5", Transport("clouds", cloud, cloud, 0.1, "l1", normalise=True))
    with h5py.File(folder / "t.h5", "r+") as file:
        for end in ("source", "target"):
            packed(file, f"sciml/{end}/weights", (n // 2,))
            packed(file, f"sciml/{end}/points", (n // 2, 2))
    return checked(folder / "t.h5")


def drawn(folder: Path, n: int) -> Reading:
    """A matrix of costs that is drawn."""
    from sciml.transport.problem import UniformCosts

    few = Measure(np.full(4, 0.25))
    transport_file.write(folder / "t.h5", Transport("drawn", few, few, 0.1, matrix=UniformCosts(0), normalise=True))
    side = int(n**0.5)
    with h5py.File(folder / "t.h5", "r+") as file:
        for end in ("source", "target"):
            packed(file, f"sciml/{end}/weights", (side,))
    return checked(folder / "t.h5")


def members(folder: Path, n: int) -> Reading:
    """A family of large members, drawn once when it is read."""
    write_family(folder / "f.h5", family())
    described(folder / "f.h5", lambda data: data["axes"][0].update(size=n), "family")
    return checked(folder / "f.h5")


def model(folder: Path, n: int) -> Reading:
    """The same family in the header of a model."""
    from sciml.learning.model import Card, Seen

    about = family().describe()
    about["axes"][0]["size"] = n
    card = Card("tiny", "tests", "1", {}, about, "0", 1, 1, 0, 1.0, 1, {}, {}, {}, "")
    Model(card, {"w": np.zeros(1)}, Seen.of(["00" * 32])).write(folder / "m.safetensors")

    def read() -> object:
        return Model.read(folder / "m.safetensors").family.draw("test", 0).content_hash

    return read


def tensor(folder: Path, n: int) -> Reading:
    """PDEBench's layout in half precision: each number becomes four times as long."""
    with h5py.File(folder / "t.hdf5", "w") as file:
        packed(file, "tensor", (n // CHUNK, 4, CHUNK // 4), "f2")
        file["t-coordinate"], file["x-coordinate"] = np.linspace(0, 1, 5), np.arange(CHUNK // 4) * 1.0
    return lambda: read_foreign(folder / "t.hdf5")


def channels(folder: Path, n: int) -> Reading:
    """PDEBench's other layout: one group a member, channels side by side."""
    with h5py.File(folder / "g.hdf5", "w") as file:
        for member in range(4):
            packed(file, f"{member:04d}/data", (4, n // 32, 2), "f4")
            file[f"{member:04d}/grid/t"], file[f"{member:04d}/grid/x"] = np.linspace(0, 1, 4), np.arange(n // 32) * 1.0
    return lambda: read_foreign(folder / "g.hdf5")


def specification(folder: Path, n: int) -> Reading:
    """Three axes and two fields, by formulas."""
    side = round(n ** (1 / 3))
    axes = "".join(f'[[axes]]\nname = "{a}"\nlower = 0\nupper = 1\nsize = {side}\n' for a in "xyz")
    (folder / "s.toml").write_text(
        'equation = ["u_t = laplacian(v)", "v_t = -u"]\nfields = ["u", "v"]\ntimes = [0, 1]\n'
        f'{axes}[initial]\nu = "sin(x)*cos(y)*sin(z)"\nv = "exp(-x**2)*exp(-y**2)*exp(-z**2)"\n'
    )
    return lambda: read_any(folder / "s.toml")


HUNGRY: dict[str, Callable[[Path, int], Reading]] = {
    made.__name__: made for made in (
        formula, walls, start, given, times, points, result, pictures, clouds, drawn, members, model, tensor, channels,
        specification,
    )
}  # fmt: skip
