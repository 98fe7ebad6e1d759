"""Of a family: means over its members, and the first member to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..family import Family
from ..files import ensemble
from ..files.ensemble import EnsembleResult
from . import About, Curve, Evidence


def about_family(family: Family) -> About:
    d, test = family.description, family.split("test")
    facts = [f"{test.count} test members, drawn from seed {test.seed}"]
    facts += [f"{a.name} from {a.lower} to {a.upper}, {a.size} points, {a.boundary}" for a in d.axes]
    if test.end is not None:
        facts.append(f"{test.times} times to {test.end:g}")
    facts += [f"{name} random: {law.law}" for name, law in sorted(d.random.items())]
    options = "".join(f" {k}={v}" for k, v in d.maker.options.items())
    told = f"data made by {d.maker.solver}{options}" + (", checked with another resolution" if d.maker.check else "")
    equation = family.draw("test", 0).equation.unicode()
    return About(d.name, d.title, d.about, equation, tuple(facts), told, d.lyapunov or 0.0)


def evidence_of_family(kept: Path) -> Evidence:
    result = ensemble.read(kept)
    scores, history = result.scores, result.history
    axes = result.family.draw(result.split, 0).grid.axes
    spectra = [history.get(key) for key in ("spectrum", "reference_spectrum")]
    found, exact = _first(result)
    return Evidence(
        curve=_curve(result), spectrum=spectra[0], exact_spectrum=spectra[1], spectrum_of="the worst field", axes=axes,
        times=result.times, found=found, exact=exact, coverage=scores.get("coverage"),
        coverage_raw=scores.get("coverage_raw"), scores=scores, ledger=result.ledger, options=result.options,
        provenance=result.provenance, model=result.model, device=result.device, dtype=result.dtype,
    )  # fmt: skip


def _curve(result: EnsembleResult) -> Curve | None:
    if "correlation" in result.history:
        mean = result.history["correlation"].mean(0)
        return Curve(result.times, mean, "t", "correlation with the reference, mean of the members", log=False)
    if "error" in result.history:
        return Curve(result.times, result.history["error"].mean(0), "t", "relative error, mean of the members")
    return None


def _first(result: EnsembleResult) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """found and exact of the first member: of the worst field, or of all where there are no axes."""
    if not {"found", "exact"} <= set(result.history):
        return {}, {}
    pair = [result.history[key] for key in ("found", "exact")]
    d = result.family.description
    if not d.axes:
        found, exact = ({name: a[:, i] for i, name in enumerate(d.fields)} for a in pair)
        return found, exact
    name = d.fields[0] if len(d.fields) == 1 else "worst field"
    return {name: pair[0]}, {name: pair[1]}
