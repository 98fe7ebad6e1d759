"""Scores of a family's members against the data of their split: means over members, with standard errors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from .dataset import Dataset
from .metrics.calibration import coverage
from .metrics.correlation import correlation, first_crossing
from .metrics.sobolev import relative_h1
from .metrics.spectrum import energy_spectrum, shell_spectrum
from .problem import Array
from .scoring_trajectories import curves_trajectories, named, score_trajectories

CORRELATIONS = (0.8, 0.9)
KNOWN = 0.1  # beyond the time at which the reference's own error passes this, nothing is scored


def score_family(
    values: Mapping[str, Array], std: Mapping[str, Array], reached: list[float], data: Dataset,
    predicted_from: float = 0.0, raw: Mapping[str, Array] = MappingProxyType({}),
) -> dict[str, Any]:
    """Numbers by name, each {mean, error} over members. What a member that ended early lacks counts as 0 in norms (an
    error of 1 there) and as not correlated.

    predicted_from: where a solver was given the outputs before this time, nothing but the outputs from there on counts;
    an evolution's initial state always is given.
    relative_l2: over time and space, of the worst field. relative_h1: of a steady field. first_step: relative_l2 at the
    first output time that was not given, of an evolution. high_correlation_T: mean over members of the first time at
    which the correlation with the reference falls below T, and `…_of_mean`: where the members' mean correlation does.
    reference_known_until: the time up to which the reference's own error is below 10 % of the field in the median
    member. floor: the reference's error. coverage: of std; coverage_raw: of `raw`, std before its calibration.
    Without axes there are others too: see `scoring_trajectories`.
    """
    found: dict[str, Any] = {"members": len(reached)}
    times, name = data.times, _worst(values, data)
    start = int(np.searchsorted(times, predicted_from)) if predicted_from > 0 else 0
    if start:
        found["predicted_from"] = float(times[start])
    value, exact = np.nan_to_num(values[name], nan=0.0, posinf=0.0, neginf=0.0), data.values[name]
    flat, flat_exact = (a.reshape(*a.shape[:2], -1) for a in (value, exact))
    size = np.linalg.norm(flat_exact[:, start:].reshape(len(exact), -1), axis=1)
    l2 = np.linalg.norm((flat - flat_exact)[:, start:].reshape(len(exact), -1), axis=1) / size
    found["relative_l2"] = named(l2)
    if not data.family.description.axes:
        found |= score_trajectories(values, std, reached, data)
    elif len(times) == 1:
        axes = data.problems[0].grid.axes
        h1 = relative_h1(value[:, 0], exact[:, 0], [a.length for a in axes], [a.periodic for a in axes])
        found["relative_h1"] = named(h1)
    else:
        step = max(start, 1)
        first = np.linalg.norm(flat[:, step] - flat_exact[:, step], axis=1)
        first /= np.linalg.norm(flat_exact[:, step], axis=1)
        found["first_step"] = named(first)
        series = correlation(flat, flat_exact)
        series[times[None, :] > np.asarray(reached)[:, None]] = 0.0
        for threshold in CORRELATIONS:
            label = f"high_correlation_{threshold:g}"
            found[label] = named(first_crossing(series, times, threshold))
            found[f"{label}_of_mean"] = float(first_crossing(series.mean(0), times, threshold))
        if data.family.description.lyapunov:
            found["lyapunov_times"] = found["high_correlation_0.8"]["mean"] * data.family.description.lyapunov
    if len(times) > 1 and not data.family.stochastic:
        known = np.median(np.nan_to_num(data.error, nan=np.inf), axis=0) <= KNOWN
        found["reference_known_until"] = float(times[np.argmin(known) - 1] if not known.all() else times[-1])
    checked = data.error[np.isfinite(data.error).all(1)]
    found["floor"] = float(np.sqrt((checked**2).mean(1)).mean()) if len(checked) else None
    own = slice(max(start, 1) if len(times) > 1 else 0, None)  # what was given is known
    for label, stated in (("coverage", std), ("coverage_raw", raw)):
        if name in stated and not data.family.stochastic:
            found[label] = coverage(value[:, own], stated[name][:, own], exact[:, own])
    return found


def _worst(values: Mapping[str, Array], data: Dataset) -> str:
    """The field with the largest error."""
    def error(name: str) -> float:
        exact = data.values[name]
        return float(np.linalg.norm(np.nan_to_num(values[name]) - exact) / np.linalg.norm(exact))

    return max(data.values, key=error)


def curves_family(values: Mapping[str, Array], data: Dataset) -> dict[str, Array]:
    """What a picture of the scores needs, of the field with the largest error: `exact` and `found` of the first member;
    of an evolution `correlation` (members, times); on periodic axes `spectrum` and `reference_spectrum` over all
    members and times. Without axes see `scoring_trajectories`."""
    if not data.family.description.axes:
        return curves_trajectories(values, data)
    name = _worst(values, data)
    value, exact = np.nan_to_num(values[name]), data.values[name]
    found = {"exact": exact[0], "found": value[0]}
    if len(data.times) > 1:
        found["correlation"] = correlation(*(a.reshape(*a.shape[:2], -1) for a in (value, exact)))
    axes = data.problems[0].grid.axes
    if all(axis.periodic for axis in axes) and len({axis.size for axis in axes}) == 1 and len(axes) < 3:
        measured = energy_spectrum if len(axes) == 1 else shell_spectrum
        found["spectrum"], found["reference_spectrum"] = measured(value), measured(exact)
    return found
