"""How far two attractors lie apart: W1 between samples of states, in standard deviations of the reference.

Once a forecast of a chaotic system is lost, states no longer agree at any time; what may still agree is how they are
distributed. W1 bounds the difference of the means of every observable with slope at most 1 (Kantorovich).

What is sampled (definition 1): of an ODE its states; of a field on one periodic axis the triples (u, u_x, u_xx) at
points of space and time, in which Cvitanović, Davidchack & Siminos (SIAM J. Appl. Dyn. Syst. 9, 2010) look at the
Kuramoto–Sivashinsky attractor too; of several fields all of them. The first half of the time is left out as a
transient. Solution and reference are sampled at the same points, so that equal fields have distance 0.

The floor is the distance between the two halves (in time) of the reference, at the same number of samples: what two
stretches of one and the same attractor differ by. It falls with longer runs; a distance below it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..problem import Array, Problem

SAMPLES = 500  # of either side, at most
TRANSIENT = 0.5  # share of the time; ks.h5 needs 0.45 of its own to settle


def sampled(problem: Problem) -> bool:
    """Whether a problem has an attractor that this knows how to sample: chaotic, an ODE or on one periodic axis."""
    axes = problem.grid.axes
    return bool(problem.lyapunov) and len(axes) <= 1 and all(axis.periodic for axis in axes)


def attractor_distance(
    problem: Problem, values: Mapping[str, Array], exact: Mapping[str, Array], reached: float = np.inf
) -> dict[str, Any] | None:
    """{distance, floor, samples, observable} up to the time reached; None where there are too few times to tell.

    values, exact: (times, *grid) by field.
    """
    from ..numerics.transport.assignment import wasserstein_between_samples  # loads torch

    times = problem.grid.times
    begin = times[0] + TRANSIENT * (times[-1] - times[0])
    kept = np.nonzero((times >= begin) & (times <= reached))[0]
    if len(kept) < 4:
        return None
    found, true = (_states(problem, {n: v[kept] for n, v in fields.items()}) for fields in (values, exact))
    scale = true.reshape(-1, true.shape[-1]).std(0)
    found, true = found / scale, true / scale
    half = len(kept) // 2
    count = min(SAMPLES, half * true.shape[1])
    here = _chosen(true.shape[:2], count)
    within = _chosen((half, true.shape[1]), count)
    return {
        "distance": wasserstein_between_samples(found[here], true[here]),
        "floor": wasserstein_between_samples(true[:half][within], true[-half:][within]),
        "samples": count, "observable": observable(problem),
    }  # fmt: skip


def observable(problem: Problem) -> str:
    """What is sampled, in words."""
    names = problem.equation.fields
    if not problem.grid.axes:
        return f"({', '.join(names)})"
    axis = problem.grid.axes[0].name
    return f"({', '.join(f'{n}, {n}_{axis}, {n}_{axis}{axis}' for n in names)})"


def _states(problem: Problem, fields: Mapping[str, Array]) -> Array:
    """(times, points, coordinates); of an ODE one point."""
    if not problem.grid.axes:
        return np.stack([fields[name] for name in problem.equation.fields], -1)[:, None]
    axis = problem.grid.axes[0]
    wavenumbers = 2j * np.pi / axis.length * np.arange(axis.size // 2 + 1)
    if axis.size % 2 == 0:
        wavenumbers[-1] = 0.0  # the highest wave has no derivative on the grid
    columns = []
    for name in problem.equation.fields:
        spectrum = np.fft.rfft(fields[name], axis=1)
        columns += [np.fft.irfft(wavenumbers**k * spectrum, axis.size, axis=1) for k in range(3)]
    return np.stack(columns, -1)


def _chosen(shape: tuple[int, int], count: int) -> tuple[Array, Array]:
    """`count` places spread evenly over times and points: multiples of the golden ratio among all of them."""
    size = shape[0] * shape[1]
    if count >= size:
        return np.unravel_index(np.arange(size), shape)  # type: ignore[return-value]
    golden = 0.5 * (np.sqrt(5.0) - 1.0)
    if shape[1] == 1:
        order = np.linspace(0, size - 1, count).astype(int)
        return order, np.zeros_like(order)
    rows = np.linspace(0, shape[0] - 1, count).astype(int)
    return rows, (np.mod(golden * np.arange(count), 1.0) * shape[1]).astype(int)
