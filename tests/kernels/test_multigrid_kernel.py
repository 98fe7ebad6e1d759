"""Both paths of multigrid do the same, solve what they should, and need as many steps on any grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve
from torch.utils._python_dispatch import TorchDispatchMode

from sciml.kernels import dispatch
from sciml.kernels import multigrid as compiled
from sciml.numerics.multigrid import Fixed, Multigrid, multigrid
from sciml.numerics.vcycle import TensorMultigrid

needs_compiler = pytest.mark.skipif(not compiled.available(), reason="no C++ compiler here")
DIRICHLET: Fixed = (True, True, True, True)
FACES: list[Fixed] = [DIRICHLET, (False, True, True, False), (True, False, False, False), (False, False, False, False)]
SHAPES = [(33, 33), (65, 49), (17, 129), (41, 81), (7, 12), (9, 9)]
Coefficient = Callable[[np.ndarray, np.ndarray], np.ndarray]


def rough(shape: tuple[int, int], shifted: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Random links, each different."""
    rng = np.random.default_rng(seed)
    nx, ny = shape
    links = [np.exp(rng.normal(size=s)) for s in ((nx - 1, ny), (nx, ny - 1))]
    return links[0], links[1], np.exp(rng.normal(size=shape)) if shifted else None


def matrix(ax: np.ndarray, by: np.ndarray, shift: np.ndarray | None, fixed: Fixed) -> tuple[sparse.csr_array, np.ndarray]:
    """A of all vertices, and which are unknown: written down once more, link by link."""
    nx, ny = by.shape[0], ax.shape[1]
    number = np.arange(nx * ny).reshape(nx, ny)
    a = sparse.lil_array((nx * ny, nx * ny))
    for links, one, other in ((ax, number[:-1], number[1:]), (by, number[:, :-1], number[:, 1:])):
        for k, p, q in zip(links.ravel(), one.ravel(), other.ravel(), strict=True):
            a[p, p] += k
            a[q, q] += k
            a[p, q] -= k
            a[q, p] -= k
    found = a.tocsr() + sparse.diags_array((np.zeros((nx, ny)) if shift is None else shift).ravel())
    free = np.ones((nx, ny), dtype=bool)
    for given, face in zip(fixed, (free[0], free[-1], free[:, 0], free[:, -1]), strict=True):
        face[:] &= not given
    return sparse.csr_array(found), free


def solved(solver: Multigrid, b: np.ndarray, tolerance: float, most: int = 60) -> tuple[int, float]:
    """Steps of conjugate gradients until the residual has fallen by `tolerance`; by how much each reduced it."""
    norm = first = solver.start(b, np.zeros_like(b))
    steps = 0
    while norm > tolerance * first and steps < most:
        norm, steps = solver.conjugate_step(), steps + 1
    return steps, (norm / first) ** (1 / steps)


@needs_compiler
@pytest.mark.parametrize(("threads", "sweeps"), [(1, 1), (1, 2), (2, 1), (4, 3)])
@pytest.mark.parametrize("shape", [*SHAPES, (513, 33), (1025, 17)])
def test_parity_with_torch(shape: tuple[int, int], threads: int, sweeps: int) -> None:
    rng = np.random.default_rng(1)
    for fixed in FACES:
        for shifted in (False, True):
            ax, by, shift = rough(shape, shifted)
            pinned = not any(fixed) and not shifted
            ours = compiled.Multigrid(ax, by, shift, fixed, pinned, sweeps, threads)
            theirs = TensorMultigrid(ax, by, shift, fixed, pinned, sweeps)
            b, x = rng.normal(size=shape), rng.normal(size=shape)
            b -= b.mean()
            first = theirs.start(b, x)
            assert ours.start(b, x) == pytest.approx(first, rel=1e-12)
            assert ours.size == pytest.approx(theirs.size, rel=1e-12) and ours.depth == theirs.depth
            for step in ("cycle", "cycle", "conjugate_step", "conjugate_step", "conjugate_step"):
                assert getattr(ours, step)() == pytest.approx(getattr(theirs, step)(), abs=1e-11 * first)
                found, wanted = ours.solution(), theirs.solution()
                assert np.abs(found - wanted).max() < 1e-11 * np.abs(wanted).max()


@pytest.mark.parametrize("make", [TensorMultigrid, multigrid], ids=["torch", "chosen"])
@pytest.mark.parametrize("fixed", FACES)
@pytest.mark.parametrize("shifted", [False, True])
def test_against_a_sparse_direct_solver(make: Callable[..., Multigrid], fixed: Fixed, shifted: bool) -> None:
    shape = (17, 33)
    ax, by, shift = rough(shape, shifted, 3)
    pinned = not any(fixed) and not shifted
    a, free = matrix(ax, by, shift, fixed)
    b = np.random.default_rng(2).normal(size=shape)
    b -= b.mean()
    solver = make(ax, by, shift, fixed, pinned)
    solved(solver, b, 1e-13)
    found = solver.solution()
    kept = free.ravel().nonzero()[0][int(pinned) :]
    exact = np.zeros(shape).ravel()
    exact[kept] = spsolve(a[kept][:, kept].tocsc(), b.ravel()[kept])
    exact = exact.reshape(shape)
    if pinned:
        found, exact = found - found.mean(), exact - exact.mean()
    assert np.abs(found - exact).max() < 1e-10 * np.abs(exact).max()
    assert np.all(found[~free] == 0)


class Leaving(TorchDispatchMode):
    """Counts numbers and arrays that go from a tensor to Python."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func)
        self.count += "_local_scalar_dense" in name or "nonzero" in name or "_to_copy" in name
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("step", ["cycle", "conjugate_step"])
def test_one_number_a_step_leaves_the_device(step: str) -> None:
    """On a card each is waited for."""
    solver = TensorMultigrid(*rough((33, 33), True), (False, True, True, False), sweeps=2)
    solver.start(np.ones((33, 33)), np.zeros((33, 33)))
    for _ in range(2):
        with Leaving() as mode:
            getattr(solver, step)()
        assert mode.count == 1


def test_a_card_without_triton_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = TensorMultigrid(*rough((9, 9), False), DIRICHLET)
    assert solver.path == "torch"
    monkeypatch.setattr(solver, "device", "cuda")  # what is told there
    monkeypatch.setattr(dispatch, "triton", None)
    assert solver.path == "torch: triton is not installed"


@pytest.mark.parametrize("step", ["cycle", "conjugate_step"])
@pytest.mark.parametrize("fixed", [DIRICHLET, (False, False, False, False)])
def test_nothing_left_to_reduce(fixed: Fixed, step: str) -> None:
    """Steps from the solution stay there."""
    for make in (TensorMultigrid, multigrid):
        solver = make(*rough((17, 17), False), fixed, not any(fixed))
        assert solver.start(np.zeros((17, 17)), np.zeros((17, 17))) == 0
        assert getattr(solver, step)() == getattr(solver, step)() == 0
        assert not solver.solution().any()


@needs_compiler
def test_a_cycle_is_a_symmetric_operator() -> None:
    """Conjugate gradients ask for it: <M f, g> = <f, M g>, where M is one V-cycle from 0."""
    shape = (65, 65)
    solver = compiled.Multigrid(*rough(shape, True, 5), (True, False, False, True), sweeps=2)
    rng = np.random.default_rng(4)
    f, g = (np.pad(rng.normal(size=(64, 64)), ((1, 0), (0, 1))) for _ in range(2))
    images = []
    for right in (f, g):
        solver.start(right, np.zeros(shape))
        solver.cycle()
        images.append(solver.solution())
    assert (images[0] * g).sum() == pytest.approx((f * images[1]).sum(), rel=1e-12)


def links(n: int, coefficient: Coefficient) -> tuple[np.ndarray, np.ndarray, None]:
    """Of a formula on the unit square, n intervals each way."""
    x = np.linspace(0.0, 1.0, n + 1)
    middle = x[:-1] + 0.5 / n
    return coefficient(middle[:, None], x[None]), coefficient(x[:, None], middle[None]), None


def one(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.ones(np.broadcast_shapes(x.shape, y.shape))


def waves(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Contrast 1e3."""
    return np.exp(3.45 * np.sin(8 * np.pi * x) * np.sin(8 * np.pi * y))


def oblique(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Contrast 1e3, twenty waves across."""
    return np.exp(3.45 * np.sin(50 * x + 30 * y) * np.sin(40 * y - 33 * x))


@needs_compiler
@pytest.mark.parametrize(("coefficient", "most"), [(one, 0.05), (waves, 0.25), (oblique, 0.25)])
def test_steps_do_not_depend_on_the_size(coefficient: Coefficient, most: float) -> None:
    found = []
    for n in (64, 128, 256, 512):
        b = np.random.default_rng(0).normal(size=(n + 1, n + 1))
        found.append(solved(compiled.Multigrid(*links(n, coefficient), DIRICHLET, sweeps=2), b, 1e-9))
    counts, contractions = zip(*found, strict=True)
    assert max(counts) - min(counts) <= 2
    assert max(contractions) < most


@needs_compiler
def test_v_cycles_alone_converge() -> None:
    n = 256
    b = np.random.default_rng(0).normal(size=(n + 1, n + 1))
    solver = compiled.Multigrid(*links(n, one), DIRICHLET, sweeps=2)
    norms = [solver.start(b, np.zeros_like(b)), *(solver.cycle() for _ in range(8))]
    assert all(after < 0.15 * before for before, after in zip(norms[1:-1], norms[2:], strict=True))
