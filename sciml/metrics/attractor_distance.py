"""How far two attractors lie apart: W1 between samples of states, in standard deviations of the reference.

Once a forecast of a chaotic system is lost, states no longer agree at any time; what may still agree is how they are
distributed. W1 bounds the difference of the means of every observable with slope at most 1 (Kantorovich).

What is sampled (definition 1): of an ODE its states; of a field on one periodic axis the triples (u, u_x, u_xx) at
points of space and time, in which Cvitanović, Davidchack & Siminos (SIAM J. Appl. Dyn. Syst. 9, 2010) look at the
Kuramoto–Sivashinsky attractor too; of several fields all of them. The first half of the time is left out as a
transient; members of a family with a spin-up have theirs behind them. Solution and reference are sampled at the same
points, so that equal fields have distance 0.

The floor is the distance between the two halves (in time) of the reference, at the same number of samples: what two
stretches of one and the same attractor differ by. It falls with longer runs; a distance below it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..problem import Array, Problem

SAMPLES = 500  # of either side, at most
FEWEST = 4  # times in all, of which anything is said
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
    times = problem.grid.times
    kept = (times >= times[0] + TRANSIENT * (times[-1] - times[0])) & (times <= reached)
    return pooled([problem], [values], [exact], [kept])


def pooled(
    problems: Sequence[Problem], values: Sequence[Mapping[str, Array]], exact: Sequence[Mapping[str, Array]],
    kept: Sequence[NDArray[np.bool_]],
) -> dict[str, Any] | None:  # fmt: skip
    """The same of several runs (members of a family) taken together; kept: (times,) of each. The halves of the
    reference are then those of the runs."""
    from ..numerics.transport.assignment import wasserstein_between_samples  # loads torch

    if sum(int(part.sum()) for part in kept) < FEWEST:
        return None
    found, true = (
        np.concatenate([
            _states(problem, {name: array[part] for name, array in fields.items()})
            for problem, fields, part in zip(problems, side, kept, strict=True)
        ])
        for side in (values, exact)
    )  # fmt: skip
    scale = true.reshape(-1, true.shape[-1]).std(0)
    found, true = found / scale, true / scale
    half = len(true) // 2
    count = min(SAMPLES, half * true.shape[1])
    here, within = _chosen(true.shape[:2], count), _chosen((half, true.shape[1]), count)
    return {
        "distance": wasserstein_between_samples(found[here], true[here]),
        "floor": wasserstein_between_samples(true[:half][within], true[-half:][within]),
        "samples": count, "observable": observable(problems[0]),
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


def attractor_line(found: Mapping[str, Any]) -> str:
    """W1 between the attractors, beside its sampling floor."""
    told = "below" if found["distance"] <= found["floor"] else "above"
    return (
        f"attractor   W1 of {found['observable']} to the reference's {found['distance']:.2g} standard deviations,"
        f" {told} the floor {found['floor']:.2g} between the reference's halves ({found['samples']} states)"
    )


def attractor_columns(found: Mapping[str, Any] | None) -> dict[str, float]:
    """For a table, by heading."""
    return {"attractor W1": found["distance"], "its floor": found["floor"]} if found else {}
