"""Where a point is, for networks that cannot tell.

Convolutions on a torus do the same at every point (in a V-cycle: in every coarse cell), and so do Fourier layers. An
equation whose terms name a coordinate does not: a force that stands still is invisible in one frame. Nor do
convolutions see an edge at which fields are continued by reflection, as they are at Neumann faces, nor which of them
has a flux. Then the network is shown, at every point, the sine and cosine of every periodic coordinate (of others the
coordinate), and the rate of change where all fields are zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..equation import tree
from ..problem import Array, Axis, Problem, numpy_function


def places(problem: Problem, axes: Sequence[Axis] = (), *, rates_at_zero: bool = True) -> Array:
    """(channels, *grid), of size one, on the problem's axes or others; no channels where no term of the rates names a
    spatial coordinate and not all faces are Neumann's.

    rates_at_zero: also the rate of change where all fields are zero; of a family only where its parameters are fixed.
    """
    equation, axes = problem.equation, axes or problem.grid.axes
    shape = tuple(a.size for a in axes)
    rates = list(equation.numeric_rates().values())
    named = {node.name for rate in rates for node in tree.walk(rate) if isinstance(node, tree.Coordinate)}
    reflected = {face for axis in axes for face in axis.faces} == {"neumann"}
    if not reflected and not named & set(equation.axes):
        return np.zeros((0, *shape))
    points = dict(zip(equation.axes, np.meshgrid(*(a.points() for a in axes), indexing="ij"), strict=True))
    channels: list[Any] = []
    for axis in axes:
        turn = 2 * np.pi * (points[axis.name] - axis.lower) / axis.length
        channels += [np.sin(turn), np.cos(turn)] if axis.periodic else [turn / np.pi - 1]

    def leaf(node: tree.Expr) -> Any:  # fields and what is derived from them are 0
        return points.get(node.name, 0.0) if isinstance(node, tree.Coordinate) else np.zeros(shape)

    for rate in rates if rates_at_zero else ():
        force = np.broadcast_to(tree.evaluate(rate, leaf, numpy_function), shape)
        if np.isfinite(force).all() and (size := float(force.std())) > 0:
            channels.append(force / size)
    return np.stack(channels)
