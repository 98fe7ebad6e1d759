"""From options to a march: which network, which basis, which plan, and what a 0 among the options stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sciml.errors import UsageError
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.pseudospectral import PseudoSpectral
from sciml.numerics.resolution import resolution
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from . import joint, separable
from .fit import Ansatz
from .solver import PinnCausal
from .time_basis import TimeBasis
from .windows import March, Plan


@dataclass(frozen=True)
class Defaults:
    """Chosen on the problems that ship, by residual and cost, with their errors in view; held-out problems are
    still to be scored."""

    tolerance: float
    features: int
    times: int
    slope: float
    iterations: int
    max_modes: int


SEPARABLE = {
    0: Defaults(1e-11, 24, 36, 2.5, 12, 0),
    1: Defaults(1e-11, 24, 36, 2.5, 12, 4096),
    2: Defaults(1e-6, 14, 19, 2.5, 6, 96),
    3: Defaults(1e-6, 12, 16, 2.5, 6, 24),
}
JOINT = Defaults(1e-7, 0, 0, joint.SLOPE, 40, 192)  # features and times follow from the modes


def solve(options: PinnCausal, problem: Problem, run: Run) -> Solution:
    """Train window after window; the history of windows, residuals and weights goes into the result."""
    if run.device != "cpu":
        raise UsageError("pinn-causal computes on the CPU in this version; use --device cpu.")
    preset = JOINT if options.ansatz == "joint" else SEPARABLE[len(problem.grid.axes)]
    tolerance = options.tolerance or preset.tolerance
    share = 0.1 if len(problem.grid.axes) < 2 else 1.0  # in 2-D and 3-D a digit of the tail costs dearly
    tail = options.tail or max(1e-12, share * tolerance)
    rule = resolution(options.modes, options.max_modes or preset.max_modes, problem, tail)
    build = (_joint if options.ansatz == "joint" else _separable)(options, preset, tolerance, problem, run)
    return March(problem, run, Plan(tolerance, options.window), rule, build).run_to_end()


Build = Callable[[FourierBasis], Ansatz]


def _separable(options: PinnCausal, preset: Defaults, tolerance: float, problem: Problem, run: Run) -> Build:
    features = options.features or preset.features
    times = options.times or -(-features * preset.times // preset.features)
    rng = run.rng("pinn-causal/features")
    time = TimeBasis.draw(rng, features, times, options.slope or preset.slope)
    settings = separable.Settings(
        tolerance, options.causal, options.filter_power, options.iterations or preset.iterations
    )
    return lambda basis: separable.Separable(PseudoSpectral(problem.equation, basis), time, settings)


def _joint(options: PinnCausal, preset: Defaults, tolerance: float, problem: Problem, run: Run) -> Build:
    settings = joint.Settings(
        tolerance, options.causal, options.filter_power, options.iterations or preset.iterations,
        options.features, options.times, options.slope or preset.slope,
    )  # fmt: skip
    return lambda basis: joint.Joint(problem, basis, run, settings)
