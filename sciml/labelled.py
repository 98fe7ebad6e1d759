"""Results as xarray datasets: values with the names of their dimensions, coordinates, and where they came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import UsageError
from .files.layout import POINT
from .problem import Array, Grid, Problem

if TYPE_CHECKING:
    import xarray

ABOUT = ("solver", "plugin", "solver_version", "seed", "device", "cell")
PACKED = ("options", "scores", "provenance")  # as JSON: attributes of NetCDF are plain


def of_problem(result: Any) -> xarray.Dataset:
    """Of a Result: fields (time, *axes), of a problem in a ball (point,), and `<field>_std` where it is known."""
    problem, solution = result.problem, result.solution
    coordinates = _axes(problem.grid)
    if problem.kind == "evolution":
        coordinates["time"] = ("time", problem.grid.times)
    if problem.ball is not None:
        coordinates[problem.equation.indexed[0]] = ((POINT, "component"), problem.ball.points)
    fields = {**solution.values, **{f"{name}_std": std for name, std in solution.std.items()}}
    still = problem.kind != "evolution"
    dims = next(iter(problem.outputs.values()))
    variables = {name: (dims[1:], v[0]) if still else (dims, v) for name, v in fields.items()}
    about = _about(result, problem.title or problem.name) | {"status": solution.status.name}
    return _dataset(variables, coordinates, about | _parameters(problem))


def of_family(result: Any) -> xarray.Dataset:
    """Of an EnsembleResult: fields (member, time, *axes).

    Axes whose length is drawn stand as `<axis>_of_member` (member, axis).
    """
    family = result.family
    grids = [family.draw(result.split, index).grid for index in range(result.count)]
    coordinates: dict[str, Any] = {"member": ("member", np.arange(result.count)), "time": ("time", result.times)}
    for place, axis in enumerate(grids[0].axes):
        points = np.stack([grid.axes[place].points() for grid in grids])
        if (points == points[0]).all():
            coordinates[axis.name] = (axis.name, points[0])
        else:
            coordinates[f"{axis.name}_of_member"] = (("member", axis.name), points)
    steady = len(result.times) == 1
    dims = ("member", *(() if steady else ("time",)), *(axis.name for axis in grids[0].axes))
    fields = {**result.values, **{f"{name}_std": std for name, std in result.std.items()}}
    variables = {name: (dims, values[:, 0] if steady else values) for name, values in fields.items()}
    if steady:
        del coordinates["time"]
    title = family.description.title or family.name
    return _dataset(variables, coordinates, _about(result, title) | {"status": result.status, "split": result.split})


def of_transport(result: Any) -> xarray.Dataset:
    """Of a TransportResult: potentials phi (source,) and psi (target,), weights, and the points where there are any."""
    problem, solution = result.problem, result.solution
    variables: dict[str, Any] = {"phi": ("source", solution.phi), "psi": ("target", solution.psi)}
    coordinates: dict[str, Any] = {}
    for name, measure in (("source", problem.source), ("target", problem.target)):
        variables[f"{name}_weights"] = (name, measure.weights.ravel())
        if measure.points is not None:
            coordinates[f"{name}_points"] = ((name, "component"), measure.points)
    about = _about(result, problem.title or problem.name) | {"status": solution.status.name, "eps": solution.eps}
    return _dataset(variables, coordinates, about)


def _axes(grid: Grid) -> dict[str, Any]:
    return {axis.name: (axis.name, axis.points()) for axis in grid.axes}


def _parameters(problem: Problem) -> dict[str, float]:
    return dict(problem.equation.parameters)


def _about(result: Any, title: str) -> dict[str, Any]:
    plain = {key: getattr(result, key) for key in ABOUT}
    return {"title": title, **plain, **{key: json.dumps(getattr(result, key), default=str) for key in PACKED}}


def _dataset(
    variables: Mapping[str, tuple[Any, Array]], coordinates: Mapping[str, Any], attributes: Mapping[str, Any]
) -> xarray.Dataset:
    try:
        import xarray
    except ImportError:
        raise UsageError("xarray is not installed; `pip install 'sciml-toolkit[xarray]'` brings it.") from None
    return xarray.Dataset(variables, coordinates, attributes)
