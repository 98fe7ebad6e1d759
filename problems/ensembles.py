"""Families of problems: what learned solvers are trained on and judged by. `build.py` writes them; `sciml data` makes
their trajectories."""

from __future__ import annotations

from collections.abc import Callable

from sciml.family import Family

KS_MODES = {
    "A": {"law": "uniform", "lower": -0.5, "upper": 0.5, "count": 10},
    "m": {"law": "choice", "values": [1, 2], "count": 10},
    "phi": {"law": "uniform", "lower": 0.0, "upper": 6.283185307179586, "count": 10},
}


def ks_ensemble() -> Family:
    return Family.parse({
        "name": "ks-ensemble", "title": "Kuramoto–Sivashinsky, domains of many lengths",
        "about": "The distribution of Brandstetter et al., Lie point symmetry data augmentation (2022), that PDE-Refiner"
        " (Lippe et al. 2023) is judged on: lengths L of 57.6 to 70.4, outputs every 0.8, after a spin-up of 72."
        " Sampled here at 64 points, which hold the attractor to 1e-6; the paper uses 256.",
        "equation": ["u_t = -u*u_x - u_xx - nu*u_xxxx"], "fields": ["u"], "parameters": {"nu": 1.0},
        "axes": [{"name": "x", "lower": 0.0, "upper": "L", "size": 64}],
        "random": {"L": {"law": "uniform", "lower": 57.6, "upper": 70.4}, **KS_MODES},
        "initial": {"u": "sum(A[i]*sin(2*pi*m[i]*x/L + phi[i]))"}, "spin_up": 72.0,
        "splits": {
            "train": {"seed": 11, "count": 512, "end": 28.0, "times": 141},
            "valid": {"seed": 12, "count": 64, "end": 160.0, "times": 201},
            "test": {"seed": 13, "count": 64, "end": 160.0, "times": 201},
        },
        "maker": {"solver": "etdrk4", "options": {"step": 0.02}, "check": {"step": 0.04}},
        "lyapunov": 0.085, "invariants": {"mean": "u"},
    })  # fmt: skip


FAMILIES: dict[str, Callable[[], Family]] = {"ks-ensemble": ks_ensemble}
