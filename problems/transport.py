"""Transport problems: a random assignment, pairs of images, two strange attractors.

One pair of measures, one cost and one eps a file: a file is what a cell, a row and a score belong to.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from sciml import Equation, Grid, Measure, Problem, Transport
from sciml.reference.builder import run_solver
from sciml.transport.problem import UniformCosts

Array = np.ndarray
TANG = "Tang et al., Accelerating Sinkhorn algorithm with sparse Newton iterations (ICLR 2024)"


def assignment() -> Transport:
    """Costs are drawn from a seed: 250 000 random numbers would be 2 MB."""
    n, uniform = 500, Measure(np.full(500, 1.0 / 500))
    return Transport(
        "transport-assignment", uniform, uniform, eps=1.0 / 1200, matrix=UniformCosts(seed=0),
        title=f"Random assignment, n = {n}",
        about=f"Setting of {TANG}: independent uniform costs, equal weights, eta = 1200.",
    )  # fmt: skip


def strokes(n: int, seed: int) -> Array:
    """(n, n) of whole numbers from 1 to 255: three blurred strokes over a floor, so that every pixel has mass."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((n, n))
    for _ in range(3):
        a, b = rng.uniform(0.2, 0.8, (2, 2))
        for t in np.linspace(0, 1, 4 * n):
            pixels[tuple(((a + t * (b - a)) * n).astype(int))] += 1
    pixels = gaussian_filter(pixels, n / 14, mode="constant", truncate=8)
    return np.rint(1 + 254 * pixels / pixels.max())


def images(n: int, cost: str) -> Transport:
    """Coordinates are scaled so that the largest cost is 1."""
    axis = (np.sqrt(0.5) if cost == "squared euclidean" else 0.5) * np.linspace(0.0, 1.0, n)
    first, second = (Measure(strokes(n, seed), axes=(axis, axis)) for seed in (1, 2))
    short = {"squared euclidean": "l2", "l1": "l1"}[cost]
    return Transport(
        f"transport-images-{n}-{short}", first, second, eps=1.0 / 1200, cost=cost, normalise=True,
        title=f"Two images of {n} x {n} pixels, {cost} cost",
        about=f"Images made by us in place of the digits of {TANG}: strokes over a floor of 1 in 255, largest cost 1,"
        " eta = 1200. Densities with full support, on which keeping few entries of the plan stalls.",
    )  # fmt: skip


def lorenz(rho: float, seed: int, count: int, apart: float = 0.5, before: float = 20.0) -> Array:
    """(count, 3) states of one orbit by dop853, `apart` units of time from one to the next, after a transient."""
    equation = Equation.parse(
        ["x_t = sigma*(y - x)", "y_t = x*(rho - z) - y", "z_t = x*y - beta*z"], ["x", "y", "z"], [],
        {"sigma": 10.0, "rho": rho, "beta": 8.0 / 3.0},
    )  # fmt: skip
    begin = np.random.default_rng(seed).normal(loc=(0.0, 0.0, rho - 1.0))
    times = np.concatenate([[0.0], before + apart * np.arange(count)])
    start = {name: repr(float(v)) for name, v in zip("xyz", begin, strict=True)}
    solution = run_solver(Problem("lorenz-orbit", equation, Grid((), times), initial_text=start), "dop853")
    return np.stack([solution.values[name][1:] for name in "xyz"], axis=1)


def attractors() -> Transport:
    count = 1500
    equal = np.full(count, 1.0 / count)
    first, second = (Measure(equal, lorenz(rho, seed, count)) for rho, seed in ((28.0, 1), (32.0, 2)))
    return Transport(
        "transport-attractors", first, second, eps=1.0, cost="squared euclidean",
        title="Lorenz attractor, rho = 28 against 32",
        about="1500 states of either attractor (sigma = 10, beta = 8/3), half a unit of time apart: what a model with a"
        " wrong parameter is worth, beyond the time of forecasts. Computed by dop853.",
    )  # fmt: skip


LIST: dict[str, Callable[[], Transport]] = {"transport-assignment": assignment, "transport-attractors": attractors}
for _size in (28, 64):
    for _short, _cost in (("l1", "l1"), ("l2", "squared euclidean")):
        LIST[f"transport-images-{_size}-{_short}"] = lambda n=_size, cost=_cost: images(n, cost)  # type: ignore[misc]
