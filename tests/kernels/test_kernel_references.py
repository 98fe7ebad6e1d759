"""The torch references of the Triton kernels against something else: numpy, scipy, exact derivatives, orders of
convergence, the solver's own steps."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from sciml.equation import tree
from sciml.kernels import registry
from sciml.kernels.fused import (
    advection,
    gaussians,
    grid_level,
    jets,
    logsumexp,
    modes,
    multigrid,
    pointwise,
    relaxation,
    rollout,
    transfer,
    weights,
)
from sciml.kernels.fused.derivative import BOUNDARIES, derivative_reference
from sciml.problem import numpy_function

KERNELS = registry.kernels()
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", KERNELS)
def test_every_entry_is_whole(name: str) -> None:
    """Bytes: at least what the results take, and in proportion to the numbers' size; `sized` answers to its argument."""
    kernel = KERNELS[name]
    assert kernel.cases and kernel.computes and kernel.formula
    assert 0 < kernel.tolerance["float64"] < kernel.tolerance["float32"] < 1e-5
    for case in kernel.cases.values():
        counted = []
        for dtype in (torch.float32, torch.float64):
            arguments = kernel.make(case, dtype, "cpu", 0)
            results = kernel.reference(*arguments)
            written = sum(r.numel() * r.element_size() for r in (results if isinstance(results, tuple) else (results,)))
            counted.append((kernel.bytes(*arguments), kernel.flops(*arguments)))
            assert counted[-1][0] >= written
            assert counted[-1][1] >= 0
        assert counted[1][0] == 2 * counted[0][0]
        assert counted[1][1] == counted[0][1]
    for n in (10_000, 100_000):
        arguments = kernel.make(kernel.sized(n), torch.float32, "cpu", 0)
        assert kernel.bytes(*arguments) > 0 and kernel.flops(*arguments) > 0


@pytest.mark.parametrize("name", pointwise.PRODUCTS)
def test_pointwise_against_the_tree(name: str) -> None:
    count, expressions = pointwise.PRODUCTS[name]
    program = pointwise.Program.compile(expressions, count, ("x",))
    atoms, x, t = RNG.normal(size=(2, count, 13)), RNG.normal(size=13), RNG.normal(size=2)
    found = pointwise.apply_reference(program, torch.tensor(atoms), [torch.tensor(x)], torch.tensor(t))
    for j, expression in enumerate(expressions):
        for b in range(2):
            leaves = {tree.Coordinate("x"): x, tree.Coordinate("t"): t[b]}
            leaves |= {tree.Atom(i): atoms[b, i] for i in range(count)}
            expected = tree.evaluate(expression, leaves.__getitem__, numpy_function)
            np.testing.assert_allclose(found[b, j].numpy(), np.broadcast_to(expected, 13), rtol=1e-13)


def test_whole_exponents_stand_in_the_instructions() -> None:
    program = pointwise.Program.compile([tree.power(tree.Atom(0), -3), tree.power(tree.Atom(0), 2.5)], 1, ("x",))
    assert pointwise.instructions(program) == ((pointwise.WHOLE_POWER, 0, -3), (pointwise.CODE["power"], 0, 1))


def test_rollout_matrices_are_the_transforms() -> None:
    line, u, *_ = rollout._made(("forced", 11, 34, 3, 3, 2), torch.float64, "cpu", 0)
    enter, leave, points = line.matrices
    n, k = len(line.points), line.modes
    spectrum = (line.inner * u[:, None]).numpy()
    expected = np.fft.irfft(spectrum, n) * n
    parts = torch.zeros(len(u), 2, enter.shape[-2], dtype=torch.float64)
    parts[:, 0, :k], parts[:, 1, :k] = u.real, u.imag
    values = torch.einsum("bcm,acmn->ban", parts, enter)
    np.testing.assert_allclose(values[..., :n].numpy(), expected, atol=1e-13)
    np.testing.assert_allclose(values[..., n:].numpy(), expected[..., :1].repeat(points.numel() - n, -1), atol=1e-13)
    back = torch.einsum("ban,acnm->bacm", values, leave)
    outer = line.outer.numpy()
    np.testing.assert_allclose(
        torch.complex(back[:, :, 0, :k], back[:, :, 1, :k]).numpy(),
        outer * np.fft.rfft(expected)[..., :k] / n, atol=1e-13,
    )  # fmt: skip


def test_modes_against_numpy() -> None:
    x, w = (RNG.normal(size=s) + 1j * RNG.normal(size=s) for s in ((4, 3, 2, 5), (3, 6, 2, 5)))
    found = modes.modes_reference(torch.tensor(x), torch.tensor(w)).numpy()
    np.testing.assert_allclose(found, np.einsum("bixy,ioxy->boxy", x, w), atol=1e-13)


def test_known_weights() -> None:
    """Fornberg's own tables (Math. Comp. 51, 1988, tables 1 and 3)."""
    assert weights.fornberg(range(-2, 3), 0, 1) == [Fraction(n, 12) for n in (1, -8, 0, 8, -1)]
    assert weights.fornberg(range(4), 0, 2) == [2, -5, 4, -1]
    assert weights.with_slope(range(3), 0, 1) == [0, 0, 0, 1]


@pytest.mark.parametrize("boundary", BOUNDARIES[1:])
@pytest.mark.parametrize(("order", "accuracy"), itertools.product((1, 2, 3, 4), (2, 4, 6, 8)))
def test_stencils_are_exact_on_polynomials(order: int, accuracy: int, boundary: str) -> None:
    degree, h, n = order + accuracy - 1, 0.25, 16
    p = np.polynomial.Polynomial(np.random.default_rng(order).normal(size=degree + 1), domain=(0, 4), window=(-1, 1))
    x = h * np.arange(n)
    slopes = torch.tensor(p.deriv()(x[[0, -1]])) if boundary == "neumann" else None
    found = derivative_reference(torch.tensor(p(x)), 0, order, accuracy, h, boundary, slopes).numpy()
    np.testing.assert_allclose(found, p.deriv(order)(x), atol=1e-15 * np.abs(p(x)).max() * 3e4 / h**order)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(("order", "accuracy"), itertools.product((1, 2, 3, 4), (2, 4, 6, 8)))
def test_stencils_converge_with_their_order(order: int, accuracy: int, boundary: str) -> None:
    errors = []
    coarse = 64 if accuracy <= 4 else 16 if boundary == "periodic" else 32  # before rounding, h^-order, is seen
    for n in (coarse, 2 * coarse):
        h = 2 * math.pi / n
        x = h * torch.arange(n + (boundary != "periodic"), dtype=torch.float64)
        slopes = torch.full((2,), math.cos(1.0), dtype=torch.float64) if boundary == "neumann" else None
        found = derivative_reference(torch.sin(x + 1), 0, order, accuracy, h, boundary, slopes)
        errors.append(float((found - torch.sin(x + 1 + order * math.pi / 2)).abs().max()))
    assert math.log2(errors[0] / errors[1]) > accuracy - 0.4


@pytest.mark.parametrize("name", ["odd", "no flow through any, shift"])
def test_five_points_against_a_sparse_matrix(name: str) -> None:
    import scipy.sparse as sparse

    u, _, kx, ky, shift, _ = grid_level.level(grid_level.SHAPES[name], torch.float64, "cpu", 0)
    u, (n, m) = u[:1], u.shape[1:]

    def chain(k: np.ndarray) -> sparse.csr_array:
        """-(k u')' along one line of faces k."""
        return sparse.diags_array([-k[1:-1], k[:-1] + k[1:], -k[1:-1]], offsets=[-1, 0, 1]).tocsr()

    matrix = (sparse.block_diag([chain(row) for row in ky.numpy()]) + sparse.diags_array(shift.numpy().ravel())).tolil()
    for j in range(m):
        places = np.arange(n) * m + j
        matrix[np.ix_(places, places)] += chain(kx.numpy()[:, j]).toarray()
    expected = matrix.tocsr() @ u.numpy().ravel()
    np.testing.assert_allclose(multigrid.five_point_reference(u, kx, ky, shift).numpy().ravel(), expected, atol=1e-13)
    np.testing.assert_allclose(matrix.toarray(), matrix.toarray().T)
    np.testing.assert_allclose(grid_level.diagonal_of(kx, ky, shift).numpy().ravel(), matrix.diagonal(), rtol=1e-15)
    np.testing.assert_allclose(
        relaxation.neighbours(u, kx, ky).numpy().ravel(), matrix.diagonal() * u.numpy().ravel() - expected, atol=1e-13
    )


@pytest.mark.parametrize("first", itertools.product((0, 1), (0, 1)))
@pytest.mark.parametrize("shape", [(7, 9), (8, 9), (8, 8)])
def test_restriction_is_the_prolongation_transposed(first: tuple[int, int], shape: tuple[int, int]) -> None:
    """(Briggs et al., chapter 3), whatever is given at the ends; and P keeps linear functions between its points."""
    n, m = shape
    zero = torch.zeros(1, n, m, dtype=torch.float64)
    faces = torch.zeros(n + 1, m, dtype=torch.float64), torch.zeros(n, m + 1, dtype=torch.float64)
    coarse = grid_level.coarse_shape(zero.shape, first)
    r, e = torch.tensor(RNG.normal(size=(1, n, m))), torch.tensor(RNG.normal(size=coarse))
    down = transfer.restrict_reference(zero, r, *faces, None, first)
    assert down.shape == e.shape
    assert float((down * e).sum()) == pytest.approx(float((r * transfer.correct_reference(zero, e, first)).sum()))
    x, y = (torch.arange(k, dtype=torch.float64) for k in shape)
    plane = (3 * x[:, None] - y + 2)[None]
    inner = tuple(slice(o, o + 2 * k - 1) for o, k in zip(first, coarse[1:], strict=True))
    found = transfer.correct_reference(zero, plane[:, first[0] :: 2, first[1] :: 2], first)
    np.testing.assert_allclose(found[(slice(None), *inner)].numpy(), plane[(slice(None), *inner)].numpy(), atol=1e-13)


def test_two_grids_converge_as_they_should() -> None:
    """One V of two levels with an exact coarse solve reduces the error about tenfold on Poisson's equation."""

    def faces(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.ones(n + 1, n, dtype=torch.float64), torch.ones(n, n + 1, dtype=torch.float64)

    fine, coarse, none = faces(15), faces(7), torch.tensor([0.0, 1.0], dtype=torch.float64)
    f, u = torch.tensor(RNG.normal(size=(1, 15, 15))), torch.zeros(1, 15, 15, dtype=torch.float64)
    units = torch.eye(49, dtype=torch.float64).reshape(49, 7, 7)
    matrix = multigrid.five_point_reference(units, *coarse).reshape(49, 49).T
    sizes = []
    for _ in range(8):
        for colour in (0, 1):
            (u,) = multigrid.smooth_reference(u, f, *fine, none, None, colour)
        e = torch.linalg.solve(matrix, transfer.restrict_reference(u, f, *fine).reshape(49)).reshape(1, 7, 7)
        together = relaxation.relax_reference(u, f, *fine, None, e, colour=0, halves=2)
        u = transfer.correct_reference(u, e)
        for colour in (0, 1):
            (u,) = multigrid.smooth_reference(u, f, *fine, none, None, colour)
        np.testing.assert_allclose(together.numpy(), u.numpy(), atol=1e-13)
        sizes.append(float((f - multigrid.five_point_reference(u, *fine)).norm()))
    assert (sizes[-1] / sizes[0]) ** (1 / 7) < 0.12


@pytest.mark.parametrize(("scheme", "order"), [("weno5", 4.8), ("van leer", 1.5), ("mc", 1.5), ("minmod", 1.2)])
def test_advection_converges_and_keeps_the_sum(scheme: str, order: float) -> None:
    errors = []
    for n in (64, 128):
        h = 2 * math.pi / n
        edges = h * torch.arange(n + 1, dtype=torch.float64)
        means = (torch.cos(edges[:-1]) - torch.cos(edges[1:])) / h  # of sin
        for sign in (1.0, -1.0):
            rate = advection.advect_reference(means, torch.full_like(means, sign), torch.tensor([1 / h], dtype=torch.float64), 0, scheme)
            exact = -sign * (torch.sin(edges[1:]) - torch.sin(edges[:-1])) / h
            errors.append(float((rate - exact).abs().mean()))
            assert abs(float(rate.sum())) < 1e-11
    assert min(math.log2(errors[0] / errors[2]), math.log2(errors[1] / errors[3])) > order


@pytest.mark.parametrize("scheme", advection.SCHEMES[:3])
def test_limited_slopes_make_no_new_extremes(scheme: str) -> None:
    u = torch.tensor(np.where(np.arange(40) < 17, 1.0, -0.5))
    for _ in range(30):
        u = u + 0.4 * advection.advect_reference(u, torch.ones_like(u), torch.ones(1).double(), 0, scheme)
        assert float(u.min()) >= -0.5 - 1e-14 and float(u.max()) <= 1 + 1e-14


@pytest.mark.parametrize(("cost", "metric"), [("squared euclidean", "sqeuclidean"), ("euclidean", "euclidean"), ("l1", "cityblock")])
def test_log_sum_exp_against_scipy(cost: str, metric: str) -> None:
    from scipy.spatial.distance import cdist
    from scipy.special import logsumexp as expected

    x, y, f, g, eps, _ = logsumexp._made((1, 6, 9, 3, cost), torch.float64, "cpu", 0)
    found = logsumexp.gibbs_reference(x, y, f, g, eps, cost)[0].numpy()
    exponents = (f[0].numpy()[:, None] + g[0].numpy() - cdist(x[0].numpy(), y[0].numpy(), metric)) / 0.25
    np.testing.assert_allclose(found, expected(exponents, axis=1), rtol=1e-13)


def test_tanh_jets_against_mpmath() -> None:
    import mpmath

    z = RNG.normal(size=5)
    found = jets.tanh_jet_reference(torch.tensor(z)[:, None])[:, 0].numpy()
    with mpmath.workdps(30):
        expected = mpmath.taylor(lambda t: mpmath.tanh(mpmath.polyval(list(z[::-1]), t)), 0, 4)
    np.testing.assert_allclose(found, np.array(expected, dtype=float), rtol=1e-12)


def test_laplacians_of_gaussians_against_autograd() -> None:
    x, centres, widths = gaussians._made((3, 4, 3), torch.float64, "cpu", 0)
    value, laplacian = gaussians.gaussians_reference(x, centres, widths)
    for i, j in itertools.product(range(3), range(4)):
        def one(point: torch.Tensor, j: int = j) -> torch.Tensor:
            return torch.exp(-((point - centres[j]) ** 2).sum() / (2 * widths[j] ** 2))

        assert float(value[i, j]) == pytest.approx(float(one(x[i])), rel=1e-13)
        hessian = torch.autograd.functional.hessian(one, x[i])
        assert float(laplacian[i, j]) == pytest.approx(float(hessian.trace()), rel=1e-11, abs=1e-14)


def test_shapes_that_do_not_fit_are_one_sentence() -> None:
    """On a card they would be read beside the arrays."""
    u, f, kx, ky, *_ = grid_level.level((1, 5, 7, (1, 1), False), torch.float64, "cpu", 0)
    x, w = torch.zeros(2, 3, 4, dtype=torch.complex128), torch.zeros(3, 2, 5, dtype=torch.complex128)
    program = pointwise.Program.compile([tree.Atom(0)], 1, ("x",))
    wrong = [
        lambda: multigrid.five_point(u, ky, kx), lambda: transfer.restrict_residual(u, f[:, 1:], kx, ky),
        lambda: transfer.correct(u, f), lambda: multigrid.five_point(u, kx, ky, kx),
        lambda: relaxation.relax(u, f[:, 1:], kx, ky), lambda: relaxation.relax(u, f, kx, ky, None, f),
        lambda: modes.multiply_modes(x, w),
        lambda: pointwise.apply(program, torch.zeros(2, 1, 5), [torch.zeros(6)], torch.zeros(1)),
        lambda: pointwise.apply(program, torch.zeros(2, 1, 5), [torch.zeros(5)], torch.zeros(3)),
        lambda: gaussians.gaussians(torch.zeros(2, 3), torch.zeros(4, 2), torch.zeros(4)),
        lambda: advection.advect(u, f[:, 1:], torch.ones(1), 1),
        lambda: logsumexp.gibbs(u, f, u[..., 0], f[:, 1:, 0], torch.ones(1)),
    ]  # fmt: skip
    for call in wrong:
        with pytest.raises(ValueError, match="where .* is needed"):
            call()
