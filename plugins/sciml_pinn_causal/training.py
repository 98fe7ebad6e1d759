"""From options to a march: which network, which basis, which plan."""

from __future__ import annotations

from dataclasses import replace

from sciml.numerics.fourier import FourierBasis
from sciml.numerics.pseudospectral import PseudoSpectral
from sciml.numerics.resolution import resolution
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from .fit import Ansatz
from .separable import Separable, Settings
from .solver import PinnCausal
from .time_basis import TimeBasis
from .windows import March, Plan

MOST_MODES = {0: 0, 1: 4096, 2: 96, 3: 24}


def solve(options: PinnCausal, problem: Problem, run: Run) -> Solution:
    """Train window after window; the history of windows, residuals and weights goes into the result."""
    limit = options.max_modes or MOST_MODES[len(problem.grid.axes)]
    rule = resolution(options.modes, limit, problem, options.tail)
    time = TimeBasis.draw(run.rng("pinn-causal/features"), options.features, options.times, options.slope)
    settings = Settings(
        options.tolerance, options.causal, options.filter_power, options.iterations, options.inner
    )

    def build(basis: FourierBasis) -> Ansatz:
        return Separable(PseudoSpectral(problem.equation, basis), time, settings)

    solution = March(problem, run, Plan(options.tolerance, options.window), rule, build).run_to_end()
    return replace(solution, cost={**solution.cost, "features": time.rank})
