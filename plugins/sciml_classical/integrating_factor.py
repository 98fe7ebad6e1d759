"""Lawson's integrating factor: v = exp(-(t-t0) L) û obeys v' = exp(-(t-t0)L) N(exp((t-t0)L) v, t), which an
explicit pair integrates. Independent of the exponential formulae of `etdrk4`: it shares only N.

Within one step of size h from t0 the factors exp(c h L) of the stages never grow when Re L <= 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy.integrate._ivp import dop853_coefficients as tableau
from torch import Tensor

from sciml.errors import RunFailed
from sciml.numerics.resolution import resolution
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from .solver import IntegratingFactor
from .stepper import Stepper, low_part, resized, tensor

STAGES = tableau.N_STAGES
ROUNDING = {"double": 4e-15, "extended": 2e-18}


class _Factors:
    """exp(d h L) for every difference d of nodes that the tableau needs, for one step size."""

    def __init__(self, linear: Any, h: float) -> None:
        self.h, self.linear, self.known = h, linear, dict[float, Any]()

    def __call__(self, share: float) -> Any:
        key = round(share, 14)
        if key not in self.known:
            exponent = self.linear * (key * self.h)
            self.known[key] = exponent.exp() if isinstance(exponent, Tensor) else np.exp(exponent)
        return self.known[key]


def _attempt(stepper: Stepper, factors: _Factors, u: Any, t: float) -> tuple[Any, float]:
    """One step of the 8th-order pair and its relative error estimate (Hairer, Nørsett & Wanner II.10)."""
    h, stages = factors.h, list[Any]()
    nodes = tableau.C[:STAGES]
    for s in range(STAGES):
        value = factors(nodes[s]) * u
        for j in range(s):
            if tableau.A[s, j]:
                value = value + (h * tableau.A[s, j]) * factors(nodes[s] - nodes[j]) * stages[j]
        stages.append(stepper.nonlinear(value, t + nodes[s] * h))
    new = factors(1.0) * u
    fifth, third = 0 * u, 0 * u
    for s in range(STAGES):
        carried = factors(1.0 - nodes[s]) * stages[s]
        new = new + (h * tableau.B[s]) * carried
        fifth = fifth + tableau.E5[s] * carried
        third = third + tableau.E3[s] * carried
    last = stepper.nonlinear(new, t + h)
    fifth, third = fifth + tableau.E5[STAGES] * last, third + tableau.E3[STAGES] * last
    five, three = stepper.size(fifth), stepper.size(third)
    if five == 0.0 and three == 0.0:
        return new, 0.0
    error = h * five**2 / math.sqrt(five**2 + 0.01 * three**2)
    return new, error / max(stepper.size(new), 1e-300)


def solve(options: IntegratingFactor, problem: Problem, run: Run) -> Solution:
    """From output to output with steps Δ/m; modes follow the spectrum."""
    times = problem.grid.times
    rule = resolution(options.modes, options.max_modes, problem, options.tail)
    outputs = np.empty((len(problem.equation.fields), len(times), *problem.grid.shape))
    outputs[:, 0] = problem.initial()
    saved = run.restore()
    if saved is None:
        basis, start_state = rule.start(problem, run.device)
        index, parts, worst, steps, evaluations = 0, 8, 0.0, 0, 0
    else:
        from sciml.numerics.initial import fourier_basis

        basis = fourier_basis(problem, [int(k) for k in saved["modes"]], run.device)
        start_state = torch.as_tensor(saved["state"], device=run.device)
        index, parts, worst = int(saved["index"]), int(saved["parts"]), float(saved["worst"])
        steps, evaluations = int(saved["steps"]), int(saved["evaluations"])
        outputs[:, : index + 1] = saved["outputs"]
    extended = options.precision == "extended"
    stepper = Stepper(problem, basis, extended, evaluations)
    state = stepper.working(start_state)
    if saved is not None and extended:
        state = state + stepper.working(torch.as_tensor(saved["state_low"]))
    while index < len(times) - 1:
        start, span = float(times[index]), float(times[index + 1] - times[index])
        trial, done, factors = state, 0, _Factors(stepper.diagonal, span / parts)
        while done < parts:
            new, error = _attempt(stepper, factors, trial, start + done * span / parts)
            if not error <= max(options.tolerance, ROUNDING[options.precision]):
                parts *= 2
                done *= 2
                if parts > 10**7:
                    raise RunFailed(f"if-dop853: the step became too small near t={start:g}.")
                factors = _Factors(stepper.diagonal, span / parts)
                continue
            larger = rule.larger(stepper.basis, tensor(new))
            if larger is not None:
                trial = resized(trial, stepper.basis, larger)
                stepper = Stepper(problem, larger, extended, stepper.evaluations)
                trial = stepper.working(trial)
                factors = _Factors(stepper.diagonal, span / parts)
                continue
            trial, done, steps = new, done + 1, steps + 1
            worst = max(worst, *stepper.basis.tail(tensor(new)))
            if error < 1e-4 * options.tolerance and done % 2 == 0 and parts % 2 == 0:
                parts, done = parts // 2, done // 2
                factors = _Factors(stepper.diagonal, span / parts)
        state, index = trial, index + 1
        outputs[:, index] = stepper.basis.sample(tensor(state), problem.grid.shape).cpu().numpy()
        kept = {
            "modes": np.array(stepper.basis.modes), "state": tensor(state).cpu().numpy(),
            "state_low": low_part(state), "index": index,
            "parts": parts, "worst": worst, "steps": steps, "evaluations": stepper.evaluations,
            "outputs": outputs[:, : index + 1],
        }  # fmt: skip
        run.step(index / (len(times) - 1), kept, f"t={times[index]:.4g}")
    resolved = worst <= 1e3 * rule.tail
    return Solution(
        values={name: outputs[i] for i, name in enumerate(problem.equation.fields)},
        status=Status.OK if resolved else Status.INACCURATE,
        cost={"steps": steps, "rhs_evaluations": stepper.evaluations, "modes": max(stepper.basis.modes),
              "spectral_tail": worst},
        message="" if resolved else f"the top modes still hold {worst:.1e} of the largest one",
    )  # fmt: skip
