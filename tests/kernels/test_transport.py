"""Gibbs kernels: compiled, streaming, separable and torch paths against sums written out; nothing is read past an end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sciml.kernels import transport as compiled
from sciml.numerics.transport import chunks
from sciml.numerics.transport.geometry import Geometry
from sciml.numerics.transport.grid import Grid
from sciml.numerics.transport.rows import Rows

needs_compiler = pytest.mark.skipif(not compiled.available(), reason="no compiled library")
RNG = np.random.default_rng(0)
AXES = [np.linspace(0, 1, n) for n in (7, 5, 9, 6)]
C1, C2 = (AXES[0][:, None] - AXES[2]) ** 2, (AXES[1][:, None] - AXES[3]) ** 2
X, Y = (np.stack(np.meshgrid(*pair, indexing="ij"), -1).reshape(-1, 2) for pair in (AXES[:2], AXES[2:]))
MATRIX = ((X[:, None] - Y) ** 2).sum(-1)
R, C = RNG.random(35), RNG.random(54)
G, W, U = 0.1 * RNG.normal(size=54), RNG.random(54) + 0.1, RNG.random(35)


def torch_rows(**arguments: object) -> Rows:
    rows = Rows(**arguments)  # type: ignore[arg-type]
    rows.rows = chunks.Rows(rows.matrix, rows.x, rows.y, rows.cost)
    return rows


def torch_grid() -> Grid:
    grid = Grid(C1, C2)
    grid.path = "torch"
    return grid


SQUARED = {"x": X, "y": Y, "cost": "squared euclidean"}
PATHS: dict[str, Callable[[], Geometry]] = {
    "matrix": lambda: Rows(MATRIX),
    "matrix, not stored": lambda: Rows(MATRIX, stored=False),
    "streaming": lambda: Rows(**SQUARED, stored=False),  # type: ignore[arg-type]
    "points, stored": lambda: Rows(**SQUARED, stored=True),  # type: ignore[arg-type]
    "two threads": lambda: Rows(**SQUARED, stored=False, threads=2),  # type: ignore[arg-type]
    "separable": lambda: Grid(C1, C2),
    "matrix, torch": lambda: torch_rows(matrix=MATRIX),
    "streaming, torch": lambda: torch_rows(**SQUARED, stored=False),
    "separable, torch": torch_grid,
}


def written_out(eta: float) -> dict[str, np.ndarray | float]:
    e = eta * (G - MATRIX)
    top = e.max(1)
    phi = -(top + np.log(np.exp(e - top[:, None]).sum(1))) / eta
    s = np.exp(eta * phi[:, None] + e)
    t = s @ W
    return {
        "phi": phi, "columns": R @ s, "sweep": (R / t) @ s, "normal": (R * t) @ s, "forward": t, "transposed": U @ s,
        "cost": float((R[:, None] * s * MATRIX).sum()),
    }  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("eta", [1.0, 50.0, 3000.0])
@pytest.mark.parametrize("path", PATHS)
def test_every_path_computes_the_same(path: str, eta: float) -> None:
    plan = PATHS[path]().softmin(R, G, eta)
    found = {
        "phi": plan.phi, "columns": plan.columns, "sweep": plan.sweep(W)[1], "normal": plan.normal(W),
        "forward": plan.forward(W), "transposed": plan.transposed(U), "cost": plan.cost(),
    }  # fmt: skip
    for name, wanted in written_out(eta).items():
        assert np.abs(found[name] - wanted).max() < 1e-12 * np.abs(wanted).max(), name


@needs_compiler
@pytest.mark.parametrize("cost", ["euclidean", "l1", "squared euclidean"])
def test_costs_and_their_slopes_agree_between_paths(cost: str) -> None:
    arguments = {"x": X, "y": Y, "cost": cost, "stored": False}
    plans = [made(**arguments).softmin(R, G, 20.0) for made in (Rows, torch_rows)]  # type: ignore[arg-type]
    assert np.abs(plans[0].columns - plans[1].columns).max() < 1e-13
    assert np.abs(plans[0].slopes() - plans[1].slopes()).max() < 1e-13


@needs_compiler
def test_the_exponential_is_good_to_rounding_and_reaches_zero() -> None:
    eta, g = 1.0, np.array([0.0, -1e-9, -0.3, -50.0, -700.0, -706.9, -709.0, -1e5, -np.inf])
    kept = np.empty((1, len(g)))
    phi, columns = compiled.Rows(np.zeros((1, len(g)))).softmin(np.ones(1), g, eta, kept)
    exact = np.exp(g) / np.exp(g).sum()
    assert np.abs(kept[0][:6] / exact[:6] - 1).max() < 1e-15 * 4
    assert (kept[0][6:] == 0).all() and (columns == kept[0]).all()
    assert phi[0] == pytest.approx(-np.log(np.exp(g).sum()), rel=1e-15)


@needs_compiler
def test_points_without_mass_stay_without_and_disturb_nothing() -> None:
    g = G.copy()
    g[[3, 17]] = -np.inf
    g[::6] = -np.inf  # all of one grid line
    reduced = Rows(np.delete(MATRIX, np.isneginf(g).nonzero()[0], 1)).softmin(R, g[~np.isneginf(g)], 80.0)
    for name, made in PATHS.items():
        plan = made().softmin(R, g, 80.0)
        assert (plan.columns[np.isneginf(g)] == 0).all(), name
        assert np.abs(plan.phi - reduced.phi).max() < 1e-13, name
        assert np.abs(plan.normal(W)[~np.isneginf(g)] - reduced.normal(W[~np.isneginf(g)])).max() < 1e-13, name


@needs_compiler
@pytest.mark.parametrize("made", [Rows, torch_rows])
def test_a_sparse_plan_leaves_out_no_more_than_its_share_of_any_row_or_column(made: Callable[..., Rows]) -> None:
    plan = made(matrix=MATRIX).softmin(R, G, 200.0)
    whole = R[:, None] * np.stack([plan.forward(e) for e in np.eye(54)], 1)
    share = 1e-3
    sparse = plan.entries(plan.columns, share, 35 * 54)
    assert sparse is not None and len(sparse.value) < 0.8 * whole.size
    dense = np.zeros((35, 54))
    for i in range(35):
        part = slice(sparse.start[i], sparse.start[i + 1])
        dense[i, sparse.index[part]] = sparse.value[part]
    assert ((whole - dense).sum(1) <= share * R).all()
    assert ((whole - dense).sum(0) <= share * plan.columns).all()
    assert np.abs(dense[dense > 0] - whole[dense > 0]).max() < 1e-15
    assert np.allclose(sparse.normal(R, W), dense.T @ ((dense @ W) / R), rtol=1e-13, atol=0)
    assert plan.entries(plan.columns, share, len(sparse.value) - 1) is None


@needs_compiler
def test_elimination_keeps_every_digit_of_weights_far_below_rounding() -> None:
    """A chain of links 1, 1e-21, 1, 1e-23 …: a current passes one after the other, so that the solution is known."""
    m = 9
    link = np.where(np.arange(m - 1) % 2, 10.0 ** -(20 + np.arange(m - 1)), 1.0)
    weights = np.diag(link, 1) + np.diag(link, -1)
    b = np.zeros(m)
    b[0], b[-1] = 1.0, -1.0
    x = compiled.laplacian(weights, np.zeros(m), b)
    exact = np.append(np.cumsum(1 / link[::-1])[::-1], 0.0)
    assert x[-1] == 0 and np.abs(x[:-1] / exact[:-1] - 1).max() < 1e-14
    leaky = compiled.laplacian(np.ones((m, m)), np.full(m, 0.5), np.arange(9.0))
    matrix = np.diag(np.full(m, m + 0.5)) - np.ones((m, m))
    assert np.abs(matrix @ leaky - np.arange(9.0)).max() < 1e-13


@needs_compiler
def test_vectors_of_another_length_do_not_reach_the_compiled_code() -> None:
    rows = compiled.Rows(MATRIX)
    with pytest.raises(AssertionError):
        rows.softmin(R, G[:-1], 1.0, None)
    with pytest.raises(AssertionError):
        rows.softmin(R[:-1], G, 1.0, None)
