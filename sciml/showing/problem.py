"""Problems and results as text for a terminal."""

from __future__ import annotations

import math

from ..files.result_file import Result
from ..metrics.attractor_distance import attractor_line
from ..metrics.calibration import coverage_text
from ..metrics.trivial import trivial_text
from ..problem import SIDES, Axis, Problem
from ..reference.values import Reference
from ..scoring.measuring import metric_lines
from ..solution import Status


def problem_text(problem: Problem, reference: Reference | None) -> str:
    """What is asked, and how good the reference is."""
    lines = [f"{problem.name}: {problem.title}" if problem.title else problem.name]
    if problem.about:
        lines.append(problem.about)
    lines += ["", *(f"  {line}" for line in problem.equation.unicode().splitlines()), ""]
    if problem.equation.parameters:
        values = ", ".join(f"{name} = {value:.10g}" for name, value in problem.equation.parameters.items())
        lines.append(f"parameters  {values}")
    if problem.ball is not None:
        ball, point = problem.ball, problem.equation.indexed[0]
        lines.append(f"ball        |{point}| <= {ball.radius:g} in {ball.dimension} dimensions, 0 on the sphere")
        lines.append(f"points      {len(ball.points)}, scattered")
        for name, vector in ball.coefficients.items():
            lines.append(f"vector      {name}[1] … {name}[{len(vector)}], values in the file")
    for axis in problem.grid.axes:
        end = ")" if axis.periodic else "]"
        lines.append(
            f"axis        {axis.name} in [{axis.lower:.6g}, {axis.upper:.6g}{end}, {axis.size} points, {axis.boundary}"
        )
    for name in problem.equation.fields:
        for axis in problem.grid.axes:
            lines += _faces(problem, name, axis)
    times = problem.grid.times
    if problem.kind != "evolution":
        lines.append("times       none: a boundary-value problem")
    else:
        lines.append(f"times       {len(times)} from {times[0]:g} to {times[-1]:g}")
    for name in problem.equation.fields if problem.kind == "evolution" else ():
        lines.append(f"initial     {name} = {problem.initial_text.get(name, 'values in the file')}")
    for label, formula in problem.invariants.items():
        lines.append(f"conserved   mean of {formula} ({label})")
    if problem.lyapunov:
        lines.append(f"chaotic     leading Lyapunov exponent {problem.lyapunov:g}")
    if reference is None:
        lines.append("reference   none; `sciml reference FILE --build` computes one")
    else:
        lines.append(f"reference   error {max(reference.error.values()):.1e} (relative L2). {reference.method}")
    return "\n".join(lines)


def _faces(problem: Problem, name: str, axis: Axis) -> list[str]:
    """What is given for a field on an axis's two faces."""
    lines = []
    for side, at, face in zip(SIDES, (axis.lower, axis.upper), axis.faces, strict=True):
        if face in ("dirichlet", "neumann"):
            text = problem.boundary_text.get(name, {}).get(axis.name, {}).get(side, "0")
            what = name if face == "dirichlet" else f"∂{name}/∂n"
            lines.append(f"boundary    {what} = {text} at {axis.name} = {at:.6g}")
    return lines


def result_text(result: Result) -> str:
    """How it ended, how good it is, what it cost."""
    solution, scores = result.solution, result.scores or {}
    options = " ".join(f"{k}={v}" for k, v in result.options.items())
    lines = [f"{result.problem.name} by {result.solver} ({result.plugin} {result.solver_version}), seed {result.seed}"]
    lines.append(f"status      {solution.status.name.lower()}: {solution.message or solution.status.value}")
    if solution.status is Status.PARTIAL:
        lines.append(f"reached     t = {solution.reached:.6g} of {result.problem.grid.times[-1]:g}")
    until = scores.get("until")
    span = "" if until is None else f", up to t = {until:g}"
    for name, error in scores.get("relative_l2", {}).items():
        floor = scores["floor"][name]
        remark = "at reference floor" if error <= 2 * floor else f"reference floor {floor:.1e}"
        last = "" if result.problem.kind != "evolution" else f", last time {scores['final_l2'][name]:.1e}"
        lines.append(
            f"error       {name}: relative L2 {error:.2e} (max {scores['max_error'][name]:.1e}{last}; {remark}{span})"
        )
    for name, error in scores.get("baseline", {}).items():
        lines.append(f"beside it   {name}: relative L2 {error:.2e} of k(1 - |x|²/R²), k fitted to the reference")
    if scores.get("trivial"):
        lines.append(f"beside it   relative L2 {trivial_text(scores['trivial'])}")
    for name, share in scores.get("coverage", {}).items():
        lines.append(f"spread      {name}: {coverage_text(share, scores.get('coverage_raw', {}).get(name))}")
    if not scores.get("relative_l2"):
        lines.append("error       unknown: the problem file has no reference")
    for label, value in scores.get("drift", {}).items():
        lines.append(f"conserved   {label}: drift {value:.1e}")
    if scores.get("lyapunov_times") is not None:
        lines.append(
            f"forecast    valid for t = {scores['valid_time']:g}, {scores['lyapunov_times']:.1f} Lyapunov times"
        )
    if scores.get("attractor"):
        lines.append(attractor_line(scores["attractor"]))
    lines += metric_lines(scores.get("metrics", {}))
    ledger = result.ledger
    counts = ", ".join(
        f"{key.replace('_', ' ')} {value:.6g}" for key, value in solution.cost.items() if math.isfinite(value)
    )
    lines.append(
        f"cost        {ledger['seconds']:.2f} s wall, {ledger['cpu_seconds']:.2f} s CPU,"
        f" {ledger['peak_bytes'] / 1e6:.0f} MB; {counts}"
    )
    computed = "".join(f"; {kernel}: {path}" for kernel, path in result.provenance.get("kernels", {}).items())
    lines.append(f"options     {options or 'none'}; {result.dtype} on {result.device}{computed}; cell {result.cell}")
    return "\n".join(lines)
