"""Taylor series of the Fourier coefficients: explicit, of any order. It shares with `etdrk4` and `if-dop853` the
Fourier reading of the equation, and neither an exponential nor a Runge–Kutta formula.

Steps end where the last terms say, not at outputs, which come from the polynomials.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sciml.errors import RunFailed
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.host import HostNonlinear
from sciml.numerics.initial import fourier_basis
from sciml.numerics.pseudospectral import PseudoSpectral
from sciml.numerics.resolution import resolution
from sciml.numerics.spectral_taylor import SpectralSeries, stable_step
from sciml.numerics.taylor import evaluate_series
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from .solver import SpectralTaylor
from .stepper import low_part, resized, tensor

BETWEEN = 100  # steps after which the run is asked whether to go on, inside a long interval


def solve(options: SpectralTaylor, problem: Problem, run: Run) -> Solution:
    """Step by step to the last output; modes follow the spectrum."""
    with np.errstate(over="ignore", invalid="ignore"):  # a blow-up is reported, once, as a sentence
        return _solve(options, problem, run)


def _solve(options: SpectralTaylor, problem: Problem, run: Run) -> Solution:
    times, fields = problem.grid.times, problem.equation.fields
    rule = resolution(options.modes, options.max_modes, problem, options.tail)
    # noise in stiff modes settles near the tolerance: below that the top modes say nothing about the resolution
    rule = replace(rule, tail=max(rule.tail, 100 * options.tolerance))
    real = np.longdouble if options.precision == "extended" else np.float64
    outputs = np.empty((len(fields), len(times), *problem.grid.shape))
    outputs[:, 0] = problem.initial()
    saved = run.restore()
    if saved is None:
        basis, initial = rule.start(problem, "cpu")
        start = initial.numpy()
        t, done, steps, worst = real(times[0]), 1, 0, 0.0
    else:
        basis = fourier_basis(problem, [int(k) for k in saved["modes"]])
        start = saved["state"]
        t = real(saved["t"]) + real(saved["t_low"])
        done, steps, worst = int(saved["done"]), int(saved["steps"]), float(saved["worst"])
        outputs[:, :done] = saved["outputs"]
    field = _field(problem, basis, options)
    state = start.astype(field.host.diagonal.dtype)
    if saved is not None:
        state = state + saved["state_low"]

    def kept() -> dict[str, Any]:
        return {
            "modes": np.array(basis.modes), "state": tensor(state).numpy(), "state_low": low_part(state),
            "t": float(t), "t_low": float(t - float(t)), "done": done, "steps": steps, "worst": worst,
            "outputs": outputs[:, :done],
        }  # fmt: skip

    while done < len(times):
        series = field.expand(state, t, options.series_order)
        step = stable_step(series, options.tolerance)
        if not step > 1e-14 * max(abs(float(t)), 1e-3):
            raise RunFailed(
                f"spectral-taylor: the step became too small at t={float(t):g}; the solution may blow up there."
            )
        h = min(real(step), real(times[-1]) - t)
        new = evaluate_series(series, h)
        larger = rule.larger(basis, tensor(new))
        if larger is not None:  # repeat the step with more modes: nothing unresolved gets in
            state, basis = resized(state, basis, larger), larger
            field = _field(problem, basis, options)
            continue
        reached = done
        while reached < len(times) and real(times[reached]) - t <= h:
            value = tensor(evaluate_series(series, real(times[reached]) - t))
            worst = max(worst, *basis.tail(value))
            outputs[:, reached] = basis.sample(value, problem.grid.shape).numpy()
            reached += 1
        state, t, steps = new, t + h, steps + 1
        if reached > done or steps % BETWEEN == 0:
            done = reached
            run.step(done / len(times), kept, f"t={float(t):.4g}")
    resolved = worst <= 1e3 * rule.tail
    return Solution(
        values={name: outputs[i] for i, name in enumerate(fields)},
        status=Status.OK if resolved else Status.INACCURATE,
        cost={"steps": steps, "rhs_evaluations": steps * options.series_order, "modes": max(basis.modes),
              "spectral_tail": worst},
        message="" if resolved else f"the top modes still hold {worst:.1e} of the largest one",
    )  # fmt: skip


def _field(problem: Problem, basis: FourierBasis, options: SpectralTaylor) -> SpectralSeries:
    return SpectralSeries(HostNonlinear(PseudoSpectral(problem.equation, basis), options.precision == "extended"))
