"""What a 0 among the options stands for, and the objects built from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sciml.problem import Problem

from .embedding import Embedding
from .model import Model
from .network import Gaussians, Network, Siren
from .samples import Samples
from .solver import Insr


@dataclass(frozen=True)
class Preset:
    width: int
    depth: int
    omega: float
    gaussians: int
    least_points: int  # per axis


PRESETS = {1: Preset(20, 3, 30.0, 60, 1000), 2: Preset(24, 2, 10.0, 120, 40)}
ROWS_PER_WEIGHT = 1.1  # fewer would fit the points, not the function
ITERATIONS = {"lm": 12, "adam": 20000}


def network(options: Insr, problem: Problem, outputs: int) -> Network:
    preset = PRESETS[len(problem.grid.axes)]
    embedding = Embedding(problem.grid.axes)
    if options.network == "gaussians":
        return Gaussians(embedding, outputs, options.width or preset.gaussians)
    return Siren(
        embedding, outputs, options.width or preset.width, options.depth or preset.depth, options.omega or preset.omega
    )


def model(options: Insr, problem: Problem) -> Model:
    dim, fields = len(problem.grid.axes), len(problem.equation.fields)
    net = network(options, problem, fields)
    preset = PRESETS[dim]
    enough = math.ceil((ROWS_PER_WEIGHT * net.count / fields) ** (1 / dim))
    slopes = [(a, tuple(int(a == b) for b in range(dim))) for a in range(dim)]  # whose sum is the divergence
    return Model(
        problem, net, Samples(problem, options.points or max(preset.least_points, enough)),
        slopes if options.pressure != "stage" else [],
    )  # fmt: skip


def iterations(options: Insr) -> int:
    return options.iterations or ITERATIONS[options.inner]
