"""Families and their results as text for a terminal."""

from __future__ import annotations

from typing import Any

from ..family import Family
from ..files.ensemble import EnsembleResult
from ..metrics.attractor_distance import attractor_line
from ..metrics.calibration import coverage_text
from ..metrics.trivial import trivial_text


def family_text(family: Family) -> str:
    """What is drawn, how, and what the splits are."""
    d, member = family.description, family.draw("train", 0)
    lines = [f"{d.name}: {d.title}" if d.title else d.name]
    if d.about:
        lines.append(d.about)
    lines += ["", *(f"  {line}" for line in member.equation.unicode().splitlines()), ""]
    if d.parameters:
        lines.append("parameters  " + ", ".join(f"{name} = {value:.10g}" for name, value in d.parameters.items()))
    for name, law in sorted(d.random.items()):
        stated = ", ".join(f"{k} {v}" for k, v in law.model_dump().items() if v is not None and k != "law")
        lines.append(f"random      {name}: {law.law}, {stated}")
    lines += [f"diffusion   {n}: {text} (Ito, a Brownian motion for each field)" for n, text in d.diffusion.items()]
    for axis in d.axes:
        lines.append(f"axis        {axis.name} from {axis.lower} to {axis.upper}, {axis.size} points, {axis.boundary}")
    lines += [f"initial     {name} = {text}" for name, text in d.initial.items()]
    lines += [f"given       {name} = {text}" for name, text in d.given.items()]
    if d.spin_up:
        lines.append(f"spin-up     {d.spin_up:g} before the first output")
    if d.noise:
        lines.append(f"noise       {d.noise:g} standard deviations of each field, on training and validation data")
    for name, split in d.splits.items():
        span = "" if split.end is None else f", {split.times} times to {split.end:g}"
        lines.append(f"{name:<11} {split.count} members, seed {split.seed}{span}")
    options = "".join(f" {k}={v}" for k, v in d.maker.options.items())
    check = "".join(f" {k}={v}" for k, v in d.maker.check.items())
    lines.append(f"made by     {d.maker.solver}{options}" + (f", checked with{check}" if check else ""))
    for what, changed in (("for training", d.maker.train), ("for the spin-up", d.maker.spin_up)):
        if changed:
            lines.append(f"            {what} with" + "".join(f" {k}={v}" for k, v in changed.items()))
    if d.lyapunov:
        lines.append(f"chaotic     leading Lyapunov exponent {d.lyapunov:g}")
    return "\n".join(lines)


def ensemble_text(result: EnsembleResult) -> str:
    """How it ended, how good it is, what it cost."""
    options = " ".join(f"{k}={v}" for k, v in result.options.items())
    lines = [
        f"{result.family.name}, {result.count} {result.split} members, by {result.solver} ({result.plugin}"
        f" {result.solver_version}), seed {result.seed}",
        f"status      {result.status.lower()}{': ' if result.message else ''}{result.message}",
        *score_lines(result.scores),
    ]
    model = result.model
    if model is not None:
        lines.append(
            f"model       {model['path']}: {model['parameters']} parameters, {model['iterations']} steps on"
            f" {model['members']} members in {model['seconds']:.0f} s"
        )
    ledger = result.ledger
    plain = ("seconds", "cpu_seconds", "peak_bytes")
    counts = ", ".join(f"{k.replace('_', ' ')} {v:.6g}" for k, v in ledger.items() if k not in plain)
    lines.append(
        f"cost        {ledger['seconds']:.2f} s wall, {ledger['cpu_seconds']:.2f} s CPU,"
        f" {ledger['peak_bytes'] / 1e6:.0f} MB for all members; {counts}"
    )
    computed = "".join(f"; {kernel}: {path}" for kernel, path in result.provenance.get("kernels", {}).items())
    lines.append(f"options     {options or 'none'}; on {result.device}{computed}; cell {result.cell}")
    return "\n".join(lines)


def score_lines(scores: dict[str, Any]) -> list[str]:
    """The scores, each with its standard error over the members."""

    def shown(name: str, form: str = ".2e") -> str:
        value = scores[name]
        return f"{value['mean']:{form}} ± {value['error']:{'.1e' if 'e' in form else form}}"

    def above(name: str) -> str:
        value = scores[name + "_floor"]
        return "" if value is None else f" (the system against itself {value:.3f})"

    floor = scores.get("floor")
    remark = "" if floor is None else f" (reference's own {floor:.1e})"
    if floor is not None and scores["relative_l2"]["mean"] <= 2 * floor:
        remark = f" (at reference floor, {floor:.1e})"
    span = f" up to t = {scores['errors_until']:g}" if "errors_until" in scores else ""
    lines = [f"error       relative L2 {shown('relative_l2')}{span}{remark}"]
    if scores.get("trivial"):
        lines.append(f"beside it   relative L2 {trivial_text(scores['trivial'])}")
    if "predicted_from" in scores:
        lines.append(f"            from t = {scores['predicted_from']:g} on; what is before was given to the solver")
    if "relative_h1" in scores:
        lines.append(f"            relative H1 {shown('relative_h1')}")
    if "first_step" in scores:
        lines.append(f"one step    relative L2 {shown('first_step')}")
    for threshold in ("0.8", "0.9"):
        name = f"high_correlation_{threshold}"
        if name in scores:
            lines.append(
                f"correlated  above {threshold} for {shown(name, '.1f')} (the members' mean for"
                f" {scores[name + '_of_mean']:.1f})"
            )
    if "valid_time" in scores:
        lines.append(f"forecast    error below 0.4 for {shown('valid_time', '.2f')}")
    if "valid_time" in scores and "lyapunov_times" in scores:
        lines.append(f"            {scores['lyapunov_times']:.1f} Lyapunov times")
        lines.append(f"long run    state-space divergence {shown('state_space', '.3f')}{above('state_space')}")
        lines.append(f"            spectral distance {shown('spectral', '.3f')}{above('spectral')}")
    elif "lyapunov_times" in scores:
        lines.append(f"            {scores['lyapunov_times']:.1f} Lyapunov times above 0.8")
    if scores.get("attractor"):
        lines.append(attractor_line(scores["attractor"]))
    if "reference_known_until" in scores:
        lines.append(f"reference   known to 10 % until t = {scores['reference_known_until']:g} (median member)")
    if "std_error" in scores:
        own = "" if scores["std_floor"] is None else f" (reference's own {scores['std_floor']:.1e})"
        lines.append(f"spread      of the paths: relative L2 {shown('std_error')}{own}")
    if "coverage" in scores:
        lines.append(f"spread      {coverage_text(scores['coverage'], scores.get('coverage_raw'))}")
    return lines
