"""Scores of a family's members against the data of their split: means over members, with standard errors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ..dataset import Dataset
from ..metrics.attractor_distance import TRANSIENT, pooled, sampled
from ..metrics.calibration import coverage
from ..metrics.correlation import correlation, first_crossing
from ..metrics.sobolev import relative_h1
from ..metrics.spectrum import energy_spectrum, shell_spectrum
from ..metrics.trivial import trivial_errors_of_members
from ..problem import Array
from .trajectories import curves_trajectories, named, score_trajectories

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
    attractor: of a chaotic family, see metrics/attractor_distance.py.
    reference_known_until: the time up to which the reference's own error is below 10 % of the field in the median
    member. floor: the reference's error. coverage: of std; coverage_raw: of `raw`, std before its calibration.
    trivial: errors of baselines, see metrics/trivial.py.
    Without axes error and floor are over the times at which the reference is known, up to errors_until, and there are
    other scores: see `trajectories`.
    """
    found: dict[str, Any] = {"members": len(reached)}
    times, name = data.times, _worst(values, data)
    start = int(np.searchsorted(times, predicted_from)) if predicted_from > 0 else 0
    if start:
        found["predicted_from"] = float(times[start])
    value, exact = np.nan_to_num(values[name], nan=0.0, posinf=0.0, neginf=0.0), data.values[name]
    end = len(times)
    if end > 1 and not data.family.stochastic:
        known = np.median(np.nan_to_num(data.error, nan=np.inf), axis=0) <= KNOWN
        found["reference_known_until"] = float(times[np.argmin(known) - 1] if not known.all() else times[-1])
        if not data.family.description.axes and known[0] and not known.all():
            end = int(np.argmin(known))
            found["errors_until"] = float(times[end - 1])
    value, exact = value[:, :end], exact[:, :end]
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
        found["attractor"] = _attractor(values, reached, data, predicted_from)
    checked = data.error[np.isfinite(data.error).all(1)][:, :end]
    found["floor"] = float(np.sqrt((checked**2).mean(1)).mean()) if len(checked) else None
    if not data.family.stochastic:
        scored = {n: a[:, start:end] for n, a in data.values.items()}
        found["trivial"] = trivial_errors_of_members(scored, len(times) > 1)
    own = slice(max(start, 1) if len(times) > 1 else 0, end)  # what was given is known
    for label, stated in (("coverage", std), ("coverage_raw", raw)):
        if name in stated and not data.family.stochastic:
            found[label] = coverage(value[:, own], stated[name][:, own], exact[:, own])
    return found


def _attractor(
    values: Mapping[str, Array], reached: list[float], data: Dataset, begin: float
) -> dict[str, Any] | None:  # fmt: skip
    """Of chaotic families: all members taken together, each from its transient's end to the time it reached."""
    if not sampled(data.problems[0]):
        return None
    begin = max(begin, 0.0 if data.family.description.spin_up else TRANSIENT * data.times[-1])
    kept = [(data.times >= begin) & (data.times <= end) for end in reached]
    found, exact = (
        [{name: array[i] for name, array in side.items()} for i in range(len(reached))]
        for side in (values, data.values)
    )  # fmt: skip
    return pooled(data.problems[: len(reached)], found, exact, kept)


def _worst(values: Mapping[str, Array], data: Dataset) -> str:
    """The field with the largest error."""
    def error(name: str) -> float:
        exact = data.values[name]
        return float(np.linalg.norm(np.nan_to_num(values[name]) - exact) / np.linalg.norm(exact))

    return max(data.values, key=error)


def curves_family(values: Mapping[str, Array], data: Dataset) -> dict[str, Array]:
    """What a picture of the scores needs, of the field with the largest error: `exact` and `found` of the first member;
    of an evolution `correlation` (members, times); on periodic axes `spectrum` and `reference_spectrum` over all
    members and times. Without axes see `trajectories`."""
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
