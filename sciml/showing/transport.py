"""Transport problems and their results as text for a terminal."""

from __future__ import annotations

import math

from ..transport import Transport
from ..transport.problem import UniformCosts
from ..transport.reference import TransportReference
from ..transport.result import TransportResult
from ..transport.scores import TransportScores, restored


def transport_text(problem: Transport, reference: TransportReference | None) -> str:
    """What is asked, and how good the reference is."""
    lines = [f"{problem.name}: {problem.title}" if problem.title else problem.name]
    if problem.about:
        lines.append(problem.about)
    lines += ["", "  minimise ⟨C, P⟩ + ε KL(P | r⊗c) over P ≥ 0, P1 = r, Pᵀ1 = c", ""]
    lines += [f"source      {problem.source.text()}", f"target      {problem.target.text()}"]
    if isinstance(problem.matrix, UniformCosts):
        lines.append(f"cost        matrix, independent and uniform on [0, 1), PCG64 with seed {problem.matrix.seed}")
    else:
        lines.append(f"cost        {problem.cost}{', in the file' if problem.matrix is not None else ''}")
    lines.append(f"eps         {problem.eps:.10g}, eta = 1/eps = {1 / problem.eps:.10g}")
    lines.append("potentials  P_ij = r_i c_j exp((phi_i + psi_j - C_ij)/eps)")
    masses = f"{problem.source.mass:.10g} and {problem.target.mass:.10g}"
    mass = f"{masses}, both divided by theirs" if problem.normalise else f"{problem.mass:.10g}"
    lines.append(f"mass        {mass}")
    if reference is None:
        lines.append("reference   none; `sciml reference FILE --build` computes one, and every result has its bounds")
    else:
        value = f"value {reference.value:.10g}, relative error {reference.error:.1e}"
        lines.append(f"reference   {value}. {reference.method}")
        if reference.exact is not None:
            exact = f"{reference.exact:.10g}, relative error {reference.exact_error:.1e}"
            lines.append(f"exact       least cost without entropy {exact}")
    return "\n".join(lines)


def result_text(result: TransportResult) -> str:
    """How it ended, how good it is, what it cost."""
    solution, scores = result.solution, restored(result.scores)
    options = " ".join(f"{k}={v}" for k, v in result.options.items())
    lines = [f"{result.problem.name} by {result.solver} ({result.plugin} {result.solver_version}), seed {result.seed}"]
    lines.append(f"status      {solution.status.name.lower()}: {solution.message or solution.status.value}")
    lines += [*score_lines(scores), *(f"{'':<12}{k} {v:.10g}" for k, v in solution.numbers.items())]
    if solution.plan is not None:
        kept = f"{len(solution.plan.value)} entries stored, {solution.plan.left_out:.1e} of the mass left out"
        lines.append(f"plan        {kept}")
    else:
        lines.append("plan        implicit, by the potentials")
    ledger = result.ledger
    counts = ", ".join(f"{k.replace('_', ' ')} {v:.6g}" for k, v in solution.cost.items() if math.isfinite(v))
    lines.append(
        f"cost        {ledger['seconds']:.2f} s wall, {ledger['cpu_seconds']:.2f} s CPU,"
        f" {ledger['peak_bytes'] / 1e6:.0f} MB; {counts}"
    )
    computed = "".join(f"; {kernel}: {path}" for kernel, path in result.provenance.get("kernels", {}).items())
    lines.append(f"options     {options or 'none'}; float64 on {result.device}{computed}; cell {result.cell}")
    return "\n".join(lines)


def score_lines(scores: TransportScores) -> list[str]:
    """Value with its bounds, error against the reference, marginals, distance."""
    lines = []
    if scores.eps > 0:
        bounds = f"at least {scores.lower:.12g}, at most {scores.upper:.12g} (certified, gap {scores.gap:.1e})"
        lines.append(f"value       {bounds}")
    else:
        lines.append(f"value       without entropy; at least {scores.lower:.12g} (certified, gap {scores.gap:.1e})")
    if scores.value_error is not None and scores.floor is not None:
        near = scores.value_error <= 2 * scores.floor
        remark = "at reference floor" if near else f"reference floor {scores.floor:.1e}"
        lines.append(f"error       of the value, relative {scores.value_error:.2e} ({remark})")
    else:
        lines.append(f"error       of the value, relative at most {scores.gap:.1e} (certified; no reference)")
    above = "" if scores.above_exact is None else f", {scores.above_exact:.1e} above the exact one"
    lines.append(f"transport   ⟨C, P⟩ {scores.cost:.12g}{above}")
    if scores.independent is not None:
        off = "" if scores.independent_error is None else f", off by {scores.independent_error:.2g} of the value"
        lines.append(f"beside it   ⟨C, P⟩ {scores.independent:.12g} of the independent coupling r cᵀ{off}")
    for name, value in scores.distance.items():
        lines.append(f"distance    {name} of the plan {value:.10g}")
    lines.append(f"marginals   off by {scores.row_error:.1e} (rows) and {scores.column_error:.1e} (columns)")
    return lines
