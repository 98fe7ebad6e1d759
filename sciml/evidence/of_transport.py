"""Of a transport problem: how the marginals come right with the work."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..transport import Transport, result
from ..transport.reference import read_reference
from . import About, Curve, Evidence


def about_transport(path: Path, problem: Transport) -> About:
    reference = read_reference(path)
    facts = (
        f"source: {problem.source.text()}", f"target: {problem.target.text()}", f"cost: {problem.cost}",
        f"entropy: eps = {problem.eps:g}",
    )  # fmt: skip
    told = "none: the error is the certified gap between the bounds"
    if reference is not None:
        told = f"value {reference.value:.10g}, relative error {reference.error:.1e}. {reference.method}"
    about = problem.describe().get("about", "")
    return About(problem.name, problem.title, str(about), "min ⟨C, P⟩ + eps KL(P | r cᵀ)", facts, told)


def evidence_of_transport(kept: Path) -> Evidence:
    found = result.read(kept)
    history, curve = found.solution.history, None
    error = history.get("marginal_error")
    if error is not None and len(error) > 1:
        work = history.get("work", np.arange(len(error), dtype=np.float64))
        curve = Curve(work, error, "work (passes over the plan)", "marginal error")
    return Evidence(
        curve=curve, scores=found.scores, ledger={**found.solution.cost, **found.ledger}, options=found.options,
        provenance=found.provenance, device=found.device,
    )  # fmt: skip
