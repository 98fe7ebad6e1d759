"""Families of ordinary and stochastic differential equations, to learn dynamics from. `build.py` writes them; `sciml
data` makes their series."""

from __future__ import annotations

from collections.abc import Callable

from sciml.family import Family

Law = dict[str, object]
SIZE = 20  # of Lorenz 96


def _uniform(lower: float, upper: float) -> Law:
    return {"law": "uniform", "lower": lower, "upper": upper}


def _splits(seed: int, train: tuple[int, float, int], *others: tuple[int, float, int]) -> dict[str, object]:
    """(members, end, times) of the training, validation and test data."""
    parts = zip(("train", "valid", "test"), (train, *others), strict=True)
    return {
        name: {"seed": seed + i, "count": count, "end": end, "times": times}
        for i, (name, (count, end, times)) in enumerate(parts)
    }


def lorenz_series() -> Family:
    return Family.parse({
        "name": "lorenz-series", "title": "Lorenz 1963, a long noisy series",
        "about": "One series of 100001 points, 0.01 apart, on the attractor, with noise of 5 % of each component's"
        " standard deviation: the setting of Hess, Monfared, Brenner & Durstewitz, Generalized teacher forcing for"
        " learning chaotic dynamics (2023), as far as we know it. Test series are without noise; where a forecast can"
        " no longer follow them, statistics are compared.",
        "equation": ["x_t = sigma*(y - x)", "y_t = x*(rho - z) - y", "z_t = x*y - beta*z"],
        "fields": ["x", "y", "z"], "parameters": {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3},
        "random": {"a": _uniform(-15.0, 15.0), "b": _uniform(-15.0, 15.0), "c": _uniform(10.0, 40.0)},
        "initial": {"x": "a", "y": "b", "z": "c"}, "spin_up": 20.0, "noise": 0.05,
        "splits": _splits(61, (1, 1000.0, 100_001), (1, 500.0, 50_001), (4, 500.0, 50_001)),
        "maker": {"solver": "taylor", "options": {}, "check": {"series_order": 18, "tolerance": 1e-15}},
        "lyapunov": 0.9056,
    })  # fmt: skip


def lorenz96_series() -> Family:
    names = [f"x{i}" for i in range(1, SIZE + 1)]
    rates = [
        f"{names[i]}_t = ({names[(i + 1) % SIZE]} - {names[i - 2]})*{names[i - 1]} - {names[i]} + F"
        for i in range(SIZE)
    ]  # fmt: skip
    return Family.parse({
        "name": "lorenz96-series", "title": "Lorenz 1996 in 20 variables, a long noisy series",
        "about": "Lorenz, Predictability: a problem partly solved (1996), with F = 8, of which Hess et al. (2023)"
        " reconstruct 20 variables: one series of 25001 points, 0.04 apart, with noise of 5 % of each component's"
        " standard deviation. Test series are without noise.",
        "equation": rates, "fields": names, "parameters": {"F": 8.0},
        "random": {f"a{i}": {"law": "normal"} for i in range(1, SIZE + 1)},
        "initial": {f"x{i}": f"F + a{i}" for i in range(1, SIZE + 1)}, "spin_up": 20.0, "noise": 0.05,
        "splits": _splits(64, (1, 1000.0, 25_001), (1, 400.0, 10_001), (2, 400.0, 10_001)),
        "maker": {"solver": "dop853", "options": {"tolerance": 1e-11}, "check": {"tolerance": 1e-9}},
    })  # fmt: skip


def spiral() -> Family:
    return Family.parse({
        "name": "spiral", "title": "Cubic spiral",
        "about": "The spiral of Chen, Rubanova, Bettencourt & Duvenaud, Neural ordinary differential equations (2018):"
        " the cubes of the state turned by A = [[-0.1, 2], [-2, -0.1]]. Here from many places between two circles about"
        " the origin; theirs starts at (2, 0).",
        "equation": ["x_t = -0.1*x**3 - 2*y**3", "y_t = 2*x**3 - 0.1*y**3"], "fields": ["x", "y"],
        "random": {"r": _uniform(1.5, 2.2), "phi": _uniform(0.0, 6.283185307179586)},
        "initial": {"x": "r*cos(phi)", "y": "r*sin(phi)"},
        "splits": _splits(67, (64, 5.0, 201), (16, 5.0, 201), (32, 5.0, 201)),
        "maker": {"solver": "dop853", "options": {"tolerance": 1e-12}, "check": {"tolerance": 1e-10}},
    })  # fmt: skip


def spirals_sde() -> Family:
    return Family.parse({
        "name": "spirals-sde", "title": "Cubic spiral with multiplicative noise",
        "about": "The cubic spiral with a diffusion of 0.2 u in each component (Ito), as in Pal, Edelman & Rackauckas,"
        " Locally regularized neural differential equations (2023), as far as we know it; theirs starts at (2, 0), here"
        " around it. Training data are single paths; a test member is mean and standard deviation over 65536 paths.",
        "equation": ["x_t = -0.1*x**3 - 2*y**3", "y_t = 2*x**3 - 0.1*y**3"], "fields": ["x", "y"],
        "random": {"a": _uniform(1.8, 2.2), "b": _uniform(-0.2, 0.2)}, "initial": {"x": "a", "y": "b"},
        "diffusion": {"x": "0.2*x", "y": "0.2*y"},
        "splits": _splits(70, (512, 1.0, 31), (128, 1.0, 31), (8, 1.0, 31)),
        "maker": {
            "solver": "milstein", "options": {"step": 0.004, "paths": 65536}, "check": {"step": 0.008},
        },
    })  # fmt: skip


def van_der_pol_stiff() -> Family:
    return Family.parse({
        "name": "van-der-pol-stiff", "title": "Van der Pol, mu = 1000",
        "about": "The classical stiff oscillator (Hairer & Wanner, Solving Ordinary Differential Equations II, 1996)"
        " over rather less than two of its periods of some 1615: slow along x, with jumps of width 1/mu.",
        "equation": ["x_t = y", "y_t = mu*(1 - x**2)*y - x"], "fields": ["x", "y"], "parameters": {"mu": 1000.0},
        "random": {"a": _uniform(1.2, 2.2)}, "initial": {"x": "a", "y": "0"},
        "splits": _splits(73, (16, 3000.0, 601), (4, 3000.0, 601), (8, 3000.0, 601)),
        "maker": {"solver": "radau", "options": {"tolerance": 1e-9}, "check": {"tolerance": 1e-7}},
    })  # fmt: skip


FAMILIES: dict[str, Callable[[], Family]] = {
    f.__name__.replace("_", "-"): f for f in (lorenz_series, lorenz96_series, spiral, spirals_sde, van_der_pol_stiff)
}
