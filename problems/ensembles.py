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
        "about": "The distribution of Brandstetter et al., Lie point symmetry data augmentation (2022), that"
        " PDE-Refiner (Lippe et al. 2023) is judged on: lengths L of 57.6 to 70.4, outputs every 0.8, after a"
        " spin-up of 72."
        " Sampled here at 64 points, the last of whose modes hold 1e-6 of the energy; the paper uses 256.",
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


VORTICITY = ["psi = inverse_laplacian(-w)", "u = psi_y", "v = -psi_x"]
STEADY_SPLITS = {
    "train": {"seed": 21, "count": 1000}, "valid": {"seed": 22, "count": 100}, "test": {"seed": 23, "count": 100}
}  # fmt: skip


def _unit_square(size: int, boundary: str) -> list[dict[str, object]]:
    return [{"name": n, "lower": 0.0, "upper": 1.0, "size": size, "boundary": boundary} for n in "xy"]


def _darcy(name: str, title: str, about: str, size: int, random: dict[str, object], given: str) -> Family:
    fine = 4 * (size - 1) + 1
    return Family.parse({
        "name": name, "kind": "steady", "title": title,
        "about": f"{about} The coefficient is what its values on the grid say, linear in between: the data are"
        " solutions of that very problem, on a grid four times as fine, extrapolated.",
        "equation": ["d_x(a*u_x) + d_y(a*u_y) = -1"], "fields": ["u"], "axes": _unit_square(size, "dirichlet"),
        "random": random, "given": {"a": given}, "splits": STEADY_SPLITS,
        "maker": {
            "solver": "multigrid", "options": {"points": fine, "accuracy": 0.05}, "check": {"points": fine // 2 + 1},
        },
    })  # fmt: skip


def _phases(shift: float, low: float, high: float) -> dict[str, object]:
    """The sign of N(0, (-Δ + shift)^-2), Neumann, as two permeabilities."""
    return {"a": {
        "law": "gaussian-field", "amplitude": f"(k**2 + {shift:g})**(-1)", "boundary": "neumann", "modes": 64,
        "phases": [low, high],
    }}  # fmt: skip


def darcy_smooth() -> Family:
    return _darcy(
        "darcy-smooth", "Darcy flow, two permeabilities", "The distribution of Li et al., Fourier neural operator"
        " (2021): permeability 12 or 3 by the sign of N(0, (-Δ + 9)^-2).", 65, _phases(9.0, 3.0, 12.0), "a",
    )  # fmt: skip


def darcy_rough() -> Family:
    return _darcy(
        "darcy-rough", "Darcy flow, two permeabilities, rougher", "As in Liu, Xu & Zhang, HT-Net (2022), which MgNO"
        " (He, Liu & Xu 2024) takes over, as far as we know it: 12 or 2 by the sign of N(0, (-Δ + 20)^-2). 129"
        " points here,"
        " 256 there.", 129, _phases(20.0, 2.0, 12.0), "a",
    )  # fmt: skip


def darcy_multiscale() -> Family:
    factors = [
        f"(1 + 0.5*cos(f{k}*pi*(x + y)))*(1 + 0.5*sin(f{k}*pi*(y - 3*x)))" for k in range(1, 6)
    ]  # fmt: skip
    random = {f"f{k}": {"law": "uniform", "lower": 2.0 ** (k - 1), "upper": 1.5 * 2.0 ** (k - 1)} for k in range(1, 6)}
    return _darcy(
        "darcy-multiscale", "Darcy flow, a product of waves of five scales", "After the trigonometric coefficient of"
        " Owhadi (2017) with random frequencies, the finest of up to 24π.", 129, random, "*".join(factors),
    )  # fmt: skip


def helmholtz() -> Family:
    return Family.parse({
        "name": "helmholtz", "kind": "steady", "title": "Helmholtz in a medium of varying speed",
        "about": "The setting of Benitez et al., Out-of-distributional risk bounds for neural operators with"
        " applications to the Helmholtz equation (2023), as MgNO uses it, as far as we know it: frequency 1000,"
        " speed 20 + tanh of"
        " N(0, (-Δ + 9)^-2), flux 1 through the upper edge and none elsewhere."
        " Training data are made with elements of degree 2, about 1 % off; what is scored against, of degree 3.",
        "equation": ["laplacian(u) + (omega/c)**2*u = 0".replace("(omega/c)**2", "omega**2*q")], "fields": ["u"],
        "parameters": {"omega": 1000.0}, "axes": _unit_square(101, "neumann"),
        "random": {"g": {"law": "gaussian-field", "amplitude": "(k**2 + 9)**(-1)", "boundary": "neumann", "modes": 48}},
        "given": {"q": "(20 + tanh(g))**(-2)"}, "boundary": {"u": {"y": {"upper": "1"}}},
        "splits": {
            "train": {"seed": 21, "count": 1000}, "valid": {"seed": 22, "count": 32}, "test": {"seed": 23, "count": 64}
        },
        "maker": {
            "solver": "spectral-element", "options": {"degree": 3, "estimate": False}, "check": {"degree": 4},
            "train": {"degree": 2},
        },
    })  # fmt: skip


def ns_operator() -> Family:
    return Family.parse({
        "name": "ns-operator", "title": "Navier–Stokes on the torus, viscosity 1e-5",
        "about": "The distribution of Li et al., Fourier neural operator (2021): vorticity forced by 0.1 (sin + cos) of"
        " 2π(x + y), initial data from N(0, 7^3 (-Δ + 49)^-5/2).",
        "equation": [
            *VORTICITY, "w_t = -u*w_x - v*w_y + nu*laplacian(w) + 0.1*(sin(2*pi*(x + y)) + cos(2*pi*(x + y)))",
        ], "fields": ["w"], "parameters": {"nu": 1e-5}, "axes": _unit_square(64, "periodic"),
        "random": {"g": {
            "law": "gaussian-field", "amplitude": "18.520259177452136*(k**2 + 49)**(-1.25)", "boundary": "periodic",
            "modes": 24,
        }},
        "initial": {"w": "g"},
        "splits": {
            "train": {"seed": 31, "count": 128, "end": 20.0, "times": 21},
            "valid": {"seed": 32, "count": 4, "end": 20.0, "times": 21},
            "test": {"seed": 33, "count": 16, "end": 20.0, "times": 21},
        },
        "maker": {
            "solver": "etdrk4", "options": {"step": 0.0125, "modes": 56, "tail": 1e-3},
            "check": {"modes": 42, "step": 0.02, "tail": 1e-2}, "train": {"modes": 42, "step": 0.02, "tail": 1e-2},
        },
    })  # fmt: skip


def kolmogorov_ensemble() -> Family:
    return Family.parse({
        "name": "kolmogorov-ensemble", "title": "Kolmogorov flow, Re = 1000, fields of many kinds",
        "about": "Forced at wavenumber 4 with drag 0.1 and viscosity 1e-3, as in Kochkov et al. (2021) and PDE-Refiner"
        " (Lippe et al. 2023), whose data are downsampled from 2048² to 64²; here 128² outputs of"
        " a de-aliased spectral run, enough points to take the waves of 64² from without those beyond.",
        "equation": [*VORTICITY, "w_t = -u*w_x - v*w_y + nu*laplacian(w) - 0.1*w - 4*cos(4*y)"],
        "fields": ["w"], "parameters": {"nu": 1e-3},
        "axes": [{"name": n, "lower": 0.0, "upper": 6.283185307179586, "size": 128} for n in "xy"],
        "random": {"g": {
            "law": "gaussian-field", "amplitude": "k**1.5*exp(-(k/4)**2)", "boundary": "periodic", "modes": 16,
        }},
        "initial": {"w": "g"}, "spin_up": 20.0,
        "splits": {
            "train": {"seed": 41, "count": 24, "end": 14.0, "times": 126},
            "valid": {"seed": 42, "count": 2, "end": 14.0, "times": 126},
            "test": {"seed": 43, "count": 4, "end": 14.0, "times": 126},
        },
        "maker": {
            "solver": "etdrk4", "options": {"step": 0.0056, "modes": 80, "tail": 1e-4},
            "check": {"modes": 64, "tail": 1e-2}, "train": {"step": 0.008, "modes": 64, "tail": 1e-2},
            "spin_up": {"step": 0.0112, "modes": 42, "tail": 0.1},
        },
        "lyapunov": None,
    })  # fmt: skip


FAMILIES: dict[str, Callable[[], Family]] = {
    f.__name__.replace("_", "-"): f
    for f in (
        ks_ensemble, kolmogorov_ensemble, darcy_smooth, darcy_rough, darcy_multiscale, helmholtz, ns_operator
    )
}
