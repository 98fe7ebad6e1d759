"""From options to a march: which network, which basis, which plan, and what a 0 among the options stands for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sciml.numerics.fourier import FourierBasis
from sciml.numerics.pseudospectral import PseudoSpectral
from sciml.numerics.resolution import resolution
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from .fit import Ansatz
from .gaussians import ansatz as gaussians
from .joint import ansatz as joint
from .methods import adam, levenberg, ssbroyden
from .methods.objective import Trainer
from .mlp import ansatz as mlp
from .separable import ansatz as separable
from .separable.time_basis import TimeBasis
from .solver import PinnCausal
from .trained import ansatz as trained
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
    2: Defaults(1e-5, 10, 13, 2.5, 6, 96),
    3: Defaults(1e-6, 12, 16, 2.5, 6, 24),
}
FULL_BELOW = 1e-3  # of the span, in 2-D and 3-D, where one full iteration costs as much as several shorter windows
JOINT = Defaults(1e-7, 0, 0, 0.25, 40, 192)  # features and times follow from the modes
MLP = Defaults(1e-6, 0, 0, 0.25, 10, 192)
GAUSSIANS = Defaults(1e-6, 0, 0, 0.5, 10, 192)
FIRST_ORDER = {"ssbroyden": (1e-4, 2000), "adam": (1e-3, 20000)}  # what gradients alone reach: tolerance, iterations
UNITS = 30  # of `mlp` with those: a dense inverse Hessian of many more would cost more than it gives
TRAINERS: dict[str, Trainer] = {"gauss-newton": levenberg.train, "ssbroyden": ssbroyden.train, "adam": adam.train}


def preset(options: PinnCausal, dim: int) -> Defaults:
    """What the zeros among the options stand for."""
    chosen = {"joint": JOINT, "mlp": MLP, "gaussians": GAUSSIANS}.get(options.ansatz) or SEPARABLE[dim]
    if options.method in FIRST_ORDER:
        tolerance, iterations = FIRST_ORDER[options.method]
        features = UNITS if options.ansatz == "mlp" else chosen.features
        chosen = replace(chosen, tolerance=tolerance, iterations=iterations, features=features)
    return replace(
        chosen, tolerance=options.tolerance or chosen.tolerance, features=options.features or chosen.features,
        times=options.times, slope=options.slope or chosen.slope, iterations=options.iterations or chosen.iterations,
        max_modes=options.max_modes or chosen.max_modes,
    )  # fmt: skip


def solve(options: PinnCausal, problem: Problem, run: Run) -> Solution:
    """Train window after window; the history of windows, residuals and weights goes into the result."""
    dim = len(problem.grid.axes)
    chosen = preset(options, dim)
    share = 0.1 if dim < 2 else 10.0  # in 2-D and 3-D a digit of the tail costs dearly
    tail = options.tail or max(1e-12, share * chosen.tolerance)
    rule = resolution(options.modes, chosen.max_modes, problem, tail)
    builders = {"separable": _separable, "joint": _joint, "mlp": _mlp, "gaussians": _gaussians}
    build = builders[options.ansatz](options, chosen, problem, run)
    dear = chosen.iterations // 4 if options.method in FIRST_ORDER else Plan.dear
    return March(problem, run, Plan(chosen.tolerance, options.window, dear=dear), rule, build).run_to_end()


Build = Callable[[FourierBasis], Ansatz]


def _separable(options: PinnCausal, chosen: Defaults, problem: Problem, run: Run) -> Build:
    usual = SEPARABLE[len(problem.grid.axes)]
    times = chosen.times or -(-chosen.features * usual.times // usual.features)
    time = TimeBasis.draw(run.rng("pinn-causal/features"), chosen.features, times, chosen.slope)
    full_below = math.inf if len(problem.grid.axes) < 2 else FULL_BELOW * problem.grid.duration
    settings = separable.Settings(
        chosen.tolerance, options.causal, options.filter_power, chosen.iterations, full_below=full_below,
        train=_trainer(options),
    )  # fmt: skip
    return lambda basis: separable.Separable(PseudoSpectral(problem.equation, basis), time, settings)


def _joint(options: PinnCausal, chosen: Defaults, problem: Problem, run: Run) -> Build:
    settings = joint.Settings(
        chosen.tolerance, options.causal, options.filter_power, chosen.iterations, chosen.features, chosen.times,
        chosen.slope, _trainer(options),
    )  # fmt: skip
    return lambda basis: joint.Joint(problem, basis, run, settings)


def _mlp(options: PinnCausal, chosen: Defaults, problem: Problem, run: Run) -> Build:
    settings = mlp.Settings(**_trained(options, chosen), depth=options.depth, gated=options.gated)
    return lambda basis: mlp.Mlp(problem, basis, run, settings)


def _gaussians(options: PinnCausal, chosen: Defaults, problem: Problem, run: Run) -> Build:
    settings = trained.Settings(**_trained(options, chosen))
    return lambda basis: gaussians.GaussianSum(problem, basis, settings)


def _trained(options: PinnCausal, chosen: Defaults) -> dict[str, Any]:
    """What the networks with all weights trained have in common."""
    return {
        "tolerance": chosen.tolerance, "train": TRAINERS[options.method], "causal": options.causal,
        "filter_power": options.filter_power, "iterations": chosen.iterations, "width": chosen.features,
        "times": chosen.times, "slope": chosen.slope,
    }  # fmt: skip


def _trainer(options: PinnCausal) -> Trainer | None:
    """None: the Gauss–Newton that `separable` and `joint` have for themselves, which uses their structure."""
    return None if options.method == "gauss-newton" else TRAINERS[options.method]
