"""Scores of members without axes: how long a forecast holds; of a chaotic system what trajectories do in the long run;
of a stochastic one moments over paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import numpy as np

from ..dataset import Dataset
from ..metrics.attractors import spectral_distance, state_space_divergence
from ..metrics.correlation import mean_and_error
from ..metrics.norms import relative_l2_over_time, valid_time
from ..problem import Array
from .problem import VALID_THRESHOLD

LONG_RUN = {"state_space": state_space_divergence, "spectral": spectral_distance}


def together(values: Mapping[str, Array], fields: list[str]) -> Array:
    """(members, times, fields); what is missing is 0."""
    return np.stack([np.nan_to_num(values[name], nan=0.0, posinf=0.0, neginf=0.0) for name in fields], axis=-1)


def errors_over_time(values: Mapping[str, Array], data: Dataset) -> Array:
    """(members, times): of the worst field, relative to its root mean square over the member's times."""
    fields = data.family.description.fields
    ours, exact = together(values, fields), together(data.values, fields)
    return np.array([
        np.max([relative_l2_over_time(a[:, i], b[:, i]) for i in range(len(fields))], axis=0)
        for a, b in zip(ours, exact, strict=True)
    ])  # fmt: skip


def score_trajectories(
    values: Mapping[str, Array], std: Mapping[str, Array], reached: list[float], data: Dataset
) -> dict[str, Any]:
    """first_step: error at the first output time. valid_time: until the error first passes 0.4, and lyapunov_times.
    state_space, spectral: of chaotic families, see `metrics.attractors`; with their floors between members of the data.
    std_error: of the paths' standard deviation, relative L2 over time, with std_floor; of stochastic families.
    """
    d, times = data.family.description, data.times
    errors = errors_over_time(values, data)
    found: dict[str, Any] = {"first_step": named(errors[:, 1])}
    if data.family.stochastic:
        return found | _moments(std, data)
    late = times[None, :] > np.asarray(reached)[:, None]
    lasting = np.array([valid_time(row, times, VALID_THRESHOLD) for row in np.where(late, np.inf, errors)])
    found["valid_time"] = named(lasting)
    if d.lyapunov:
        found["lyapunov_times"] = found["valid_time"]["mean"] * d.lyapunov
        ours, exact = together(values, d.fields), together(data.values, d.fields)
        ours[late] = np.nan
        for label, measure in LONG_RUN.items():
            found[label] = named(np.array([measure(a, b) for a, b in zip(ours, exact, strict=True)]))
            pairs = [measure(a, b) for a, b in permutations(exact, 2)]
            found[f"{label}_floor"] = float(np.mean(pairs)) if pairs else None
    return found


def _moments(std: Mapping[str, Array], data: Dataset) -> dict[str, Any]:
    """A solver that states no spread is taken at its word: there is none."""
    def size(array: Array) -> Array:
        return np.asarray(np.linalg.norm(np.nan_to_num(array), axis=1))

    parts = {n: size(std.get(n, np.zeros_like(exact)) - exact) / size(exact) for n, exact in data.std.items()}
    worst = max(parts, key=lambda n: float(parts[n].mean()))
    checked = data.error_std[np.isfinite(data.error_std).all(1)]
    floor = float(np.sqrt((checked**2).mean(1)).mean()) if len(checked) else None
    return {"std_error": named(parts[worst]), "std_floor": floor}


def curves_trajectories(values: Mapping[str, Array], data: Dataset) -> dict[str, Array]:
    """What a picture needs: `exact` and `found` of the first member (times, fields), `error` (members, times)."""
    fields = data.family.description.fields
    return {
        "exact": together(data.values, fields)[0], "found": together(values, fields)[0],
        "error": errors_over_time(values, data),
    }  # fmt: skip


def named(numbers: Array) -> dict[str, float]:
    """Mean over members and its standard error."""
    mean, error = mean_and_error(numbers)
    return {"mean": mean, "error": error}
