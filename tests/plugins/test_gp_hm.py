"""gp-hm: kernel, evidence and Kronecker algebra against dense or exact ones; solutions, calibration, refusals."""

from __future__ import annotations

import re
from pathlib import Path

import mpmath
import numpy as np
import pytest
from sciml_gp_hm.basis import build
from sciml_gp_hm.evidence import Evidence
from sciml_gp_hm.features import Features, windows
from sciml_gp_hm.galerkin import Galerkin
from sciml_gp_hm.kernel import Mixture
from sciml_gp_hm.learning import objective
from sciml_gp_hm.lines import LINES, Lines
from sciml_gp_hm.newton import linearise, newton
from sciml_gp_hm.pointwise import Pointwise
from sciml_gp_hm.progress import Progress
from sciml_gp_hm.solver import GpHm
from sciml_gp_hm.spectrum import peaks
from sciml_gp_hm.squares import Squares
from sciml_gp_hm.tensor import Tensor
from scipy.linalg import toeplitz
from scipy.stats import multivariate_normal

from sciml import Axis, Equation, Grid, Problem, Run, Status
from sciml.errors import RunFailed, Stopped
from sciml.metrics.calibration import coverage

NOW = np.array([0.0])


def box(
    statements: list[str], exact: str, axes: dict[str, tuple[float, float, int]], boundary: str = "dirichlet"
) -> Problem:
    """A problem whose values on all faces are those of `exact`."""
    equation = Equation.parse(statements, ["u"], list(axes))
    grid = Grid(tuple(Axis(name, *limits, boundary) for name, limits in axes.items()), NOW)
    data = {
        name: {
            side: re.sub(rf"\b{name}\b", f"({end!r})", exact)
            for side, end in (("lower", float(lower)), ("upper", float(upper)))
        }
        for name, (lower, upper, _) in axes.items()
    }
    return Problem("p", equation, grid, kind="steady", boundary_text={"u": data})


def truth(problem: Problem, exact: str) -> np.ndarray:
    points = np.meshgrid(*(axis.points() for axis in problem.grid.axes), indexing="ij")
    at = dict(zip(problem.equation.axes, points, strict=True))
    return problem.evaluate(exact, at, {}, problem.grid.shape)[None]


def relative(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


# -- kernel ---------------------------------------------------------------------------------------------

MIXTURES = {
    "gaussian": Mixture(np.log([1.3, 0.4]), np.log([0.21, 0.13]), np.array([0.0, 3.3]), np.inf),
    "student-t": Mixture(np.log([1.3, 0.4]), np.log([0.21, 0.13]), np.array([0.0, 3.3]), 2.5),
    "smoother": Mixture(np.log([1.3, 0.4]), np.log([0.21, 0.13]), np.array([0.0, 3.3]), 6.5),
}
UNIT = Axis("x", 0.0, 1.0, 8, "dirichlet")


def exact_kernel(mixture: Mixture, d: mpmath.mpf) -> mpmath.mpf:
    """The kernel with 40 digits; Matérn by its Bessel function."""
    total, nu = mpmath.mpf(0), mixture.smoothness
    for w, length, mu in zip(mixture.log_weight, mixture.log_length, mixture.frequency, strict=True):
        r = abs(d) / mpmath.exp(float(length))
        if np.isinf(nu):
            envelope = mpmath.exp(-r * r / 2)
        else:
            a = mpmath.sqrt(2 * nu) * r
            envelope = 2 ** (1 - mpmath.mpf(nu)) / mpmath.gamma(nu) * a**nu * mpmath.besselk(nu, a)
        total += mpmath.exp(float(w)) * envelope * mpmath.cos(2 * mpmath.pi * float(mu) * d)
    return total


@pytest.mark.parametrize("name", MIXTURES)
def test_the_closed_form_and_the_series_of_harmonics_are_the_same_kernel(name: str) -> None:
    mixture = MIXTURES[name]
    harmonics = np.arange(0.0, 20000.0 if name == "student-t" else 2000.0)
    variance = np.exp(mixture.log_variance(harmonics, 2.0)[0])
    with mpmath.workdps(40):
        for d in (0.03, 0.4, 0.8):
            exact = float(exact_kernel(mixture, mpmath.mpf(d)))
            periodic = float(sum(exact_kernel(mixture, mpmath.mpf(d) + 2 * m) for m in range(-8, 9)))
            assert abs(float(mixture(np.array(d))) - exact) < 1e-14
            assert abs(variance @ np.cos(np.pi * harmonics * d) - periodic) < 1e-13


@pytest.mark.parametrize(("name", "order"), [("gaussian", 2), ("gaussian", 4), ("smoother", 2), ("smoother", 4)])
def test_derivatives_of_features_are_derivatives_of_the_kernel(name: str, order: int) -> None:
    """(-1)^j ∂^j ∂'^j k(x - x') = k^(2j)(x - x') in the problem's units, against differentiation with 40 digits."""
    mixture, axis = MIXTURES[name], Axis("x", -1.0, 2.0, 8, "dirichlet")
    features = Features(axis, np.arange(0.0, 1500.0), 2.0)
    variance = np.exp(mixture.log_variance(features.harmonics, 2.0)[0])[features.pairs()]
    x, other = np.array([0.3]), np.array([-0.25])
    half = order // 2
    found = (features.matrix(x, half) * variance) @ features.matrix(other, half).T
    with mpmath.workdps(40):

        def periodic(s: mpmath.mpf) -> mpmath.mpf:
            return mpmath.fsum(exact_kernel(mixture, s / 3 + 2 * m) for m in range(-6, 7))

        exact = float((-1) ** half * mpmath.diff(periodic, mpmath.mpf("0.55"), order))
    assert abs(found[0, 0] - exact) < 1e-9 * abs(exact)


@pytest.mark.parametrize("name", MIXTURES)
def test_on_a_regular_grid_the_covariance_is_toeplitz(name: str) -> None:
    mixture, points = MIXTURES[name], UNIT.points(30)
    features = Features(UNIT, np.arange(0.0, 3000.0), 2.0)
    variance = np.exp(mixture.log_variance(features.harmonics, 2.0)[0])[features.pairs()]
    matrix = features.matrix(points)
    images = sum(mixture(points + 2.0 * m) for m in range(-6, 7))
    assert np.abs((matrix * variance) @ matrix.T - toeplitz(images)).max() < 1e-12


@pytest.mark.parametrize("name", MIXTURES)
def test_gradient_of_the_spectrum(name: str) -> None:
    mixture, harmonics, h = MIXTURES[name], np.array([0.0, 1.0, 5.0, 9.0]), 1e-6
    slopes = mixture.log_variance(harmonics, 2.0)[1]
    for i in range(6):
        shift = h * np.eye(6)[i]
        up, down = (mixture.with_vector(mixture.vector + s).log_variance(harmonics, 2.0)[0] for s in (shift, -shift))
        assert np.abs((up - down) / (2 * h) - slopes[:, i]).max() < 1e-7 * (1 + np.abs(slopes[:, i]).max())


def test_frequencies_are_found_in_the_source() -> None:
    x = np.linspace(0, 1, 800)
    lines = np.stack([np.sin(2 * np.pi * 40 * x) + 3e-3 * np.cos(2 * np.pi * 90.3 * x), 0.3 * np.cos(80 * np.pi * x)]).T
    frequencies, amplitudes = peaks(lines, 12)
    assert np.abs(frequencies - [40, 90.3]).max() < 0.6
    assert 0.5 < amplitudes[0] < 1.0 and 1e-3 < amplitudes[1] < 4e-3
    assert len(peaks(lines, 1)[0]) == 1
    assert list(windows(np.array([0.0, 9.0]), 2, 10)) == [0, 1, 2, 7, 8, 9, 10]


# -- evidence -------------------------------------------------------------------------------------------


def small_evidence(right_hand_sides: int = 1, n: int = 20) -> tuple[Evidence, np.ndarray, np.ndarray]:
    """(evidence, all rows, all data) of random data; 9 features."""
    rng = np.random.default_rng(3)
    features = Features(UNIT, np.arange(5.0), 2.0)
    rows, edge = features.matrix(UNIT.points(n), 2), features.matrix(np.array([0.0, 1.0]))
    data, edge_data = rng.normal(size=(n, right_hand_sides)), rng.normal(size=(2, right_hand_sides))
    evidence = Evidence(rows, data, edge, edge_data, 0.3)
    return evidence, np.vstack([edge, rows]), np.vstack([edge_data, data])


@pytest.mark.parametrize(("sides", "n"), [(1, 20), (3, 20), (2, 6)])
def test_likelihood_and_posterior_are_those_of_the_dense_gaussian(sides: int, n: int) -> None:
    evidence, rows, data = small_evidence(sides, n)
    variance, sigma = np.exp(np.linspace(0.5, -2, 9)), 0.7
    found = evidence.evaluate(np.log(variance), 2 * np.log(sigma))
    noise = np.diag(np.concatenate([np.full(2, 0.3**2), np.full(n, sigma**2)]))
    covariance = (rows * variance) @ rows.T + noise
    exact = sum(multivariate_normal(cov=covariance).logpdf(column) for column in data.T)
    assert abs(found.value - exact) < 1e-9 * abs(exact)
    gain = (rows * variance).T @ np.linalg.inv(covariance)
    assert np.abs(found.posterior.mean - gain @ data).max() < 1e-10
    spread = np.diag(variance) - gain @ rows * variance
    assert np.abs(found.posterior.root @ found.posterior.root.T - spread).max() < 1e-10


def test_gradient_of_the_likelihood() -> None:
    evidence, _, _ = small_evidence(2)
    features = Features(UNIT, np.arange(5.0), 2.0)
    mixture = Mixture(np.log([0.4, 0.1]), np.log([0.5, 0.3]), np.array([0.0, 1.2]), 2.5)
    start, h = np.concatenate([mixture.vector, [-1.0, 0.3]]), 1e-6
    _, gradient = objective([evidence, evidence], features, mixture, start)
    for i in range(len(start)):
        values = [objective([evidence, evidence], features, mixture, start + s * h * np.eye(8)[i])[0] for s in (1, -1)]
        assert abs((values[0] - values[1]) / (2 * h) - gradient[i]) < 1e-5 * (1 + abs(gradient[i]))


# -- the plane ------------------------------------------------------------------------------------------

PLANE = box(
    ["(2 + x)*u_xx + u_yy + sin(x)*u_y + u**2 = 1"], "1 + x*y", {"x": (0.0, 1.0, 12), "y": (0.0, 2.0, 12)}
)


def small_tensor(problem: Problem = PLANE) -> Tensor:
    mixture = MIXTURES["gaussian"]
    bases = [build(Features(axis, np.arange(9.0), 2.0), mixture, 24, 1e-4) for axis in problem.grid.axes]
    return Tensor(problem, Pointwise(problem), *bases)


def test_principal_functions_are_orthonormal_and_vanish_on_the_faces() -> None:
    for basis in (small_tensor().x, small_tensor().y):
        matrix = basis.matrix(basis.nodes)
        assert np.abs((matrix.T * basis.weights) @ matrix - np.eye(basis.rank)).max() < 1e-11
        ends = basis.matrix(np.array([basis.features.axis.lower, basis.features.axis.upper]))
        assert np.abs(ends[:, 2:]).max() < 1e-11
        assert np.abs(ends - basis.faces).max() < 1e-11


def test_kronecker_algebra_is_the_dense_one() -> None:
    tensor = small_tensor()
    c = np.random.default_rng(1).normal(size=(tensor.x.rank, tensor.y.rank))
    slopes = tensor.equation.slopes(tensor.derivatives(c), tensor.at)
    dense = sum(
        slope.reshape(-1, 1) * np.kron(tensor.ex[m], tensor.ey[n])
        for slope, (m, n) in zip(slopes, tensor.equation.orders, strict=True)
    )
    assert np.abs(tensor.apply(slopes, c).ravel() - dense @ c.ravel()).max() < 1e-10 * np.abs(dense @ c.ravel()).max()
    inner = np.kron(tensor.ex[0][:, 2:], tensor.ey[0][:, 2:])
    columns = tensor.inside(np.ones((tensor.x.rank - 2, tensor.y.rank - 2))).ravel() == 1
    operator = (inner.T * tensor.weights.ravel()) @ dense[:, columns]
    right = np.random.default_rng(2).normal(size=tensor.unknowns)
    galerkin = Galerkin(tensor, slopes)
    exact = np.linalg.solve(operator, right)
    assert relative(galerkin.solve(right.reshape(galerkin.shape)).ravel(), exact) < 1e-6


def test_variance_of_a_plane_is_the_dense_one() -> None:
    problem = box(["3*u_xx + u_yy - 2*u = 1"], "x*y", {"x": (0.0, 1.0, 12), "y": (0.0, 2.0, 12)})
    tensor = small_tensor(problem)
    slopes = tensor.equation.slopes(tensor.derivatives(tensor.boundary), tensor.at)
    galerkin = Galerkin(tensor, slopes)
    size = tensor.unknowns
    units = np.eye(size).reshape(size, *galerkin.shape)
    operator = np.stack([tensor.project(tensor.apply(slopes, tensor.inside(unit))).ravel() for unit in units]).T
    covariance = np.linalg.inv(operator) @ np.linalg.inv(operator).T
    points = [np.array([0.2, 0.7]), np.array([0.3, 1.1])]
    left, right = tensor.x.matrix(points[0])[:, 2:], tensor.y.matrix(points[1])[:, 2:]
    rows = np.kron(left, right)
    exact = ((rows @ covariance) * rows).sum(axis=1).reshape(2, 2)
    found = galerkin.variance(points, True, np.random.default_rng(0))
    assert np.abs(found / exact - 1).max() < 1e-6
    sampled = galerkin.variance(points, False, np.random.default_rng(0))
    assert (sampled / exact).min() > 0.3 and (sampled / exact).max() < 3


def test_the_source_on_a_line_has_the_covariance_of_the_plane() -> None:
    """Var of 3 u_xx - u_yy + 2 u_y on a line, from the product kernel's own derivatives."""
    problem = box(["3*u_xx - u_yy + 2*u_y = sin(9*x)*cos(3*y)"], "0*x", {"x": (0.0, 1.0, 40), "y": (0.0, 2.0, 40)})
    lines = Lines(GpHm(), problem, 8)
    mixture = MIXTURES["gaussian"]
    fx, fy = lines.features
    lx, ly = (np.exp(mixture.log_variance(f.harmonics, f.period)[0]) for f in (fx, fy))
    ly /= ly.sum()
    (term, *_) = lines.terms(0, mixture, None, None)
    found = (term.rows * lx[fx.pairs()]) @ term.rows.T
    x, y = problem.grid.axes[0].points(lines.counts[0]), np.array([0.7])

    def kernel(m: int, k: int, features: Features, variance: np.ndarray, points: np.ndarray) -> np.ndarray:
        return (features.matrix(points, m) * variance[features.pairs()]) @ features.matrix(points, k).T

    dense = sum(
        a * b * kernel(m, k, fx, lx, x) * kernel(n, j, fy, ly, y)
        for (m, n), a in zip(lines.equation.orders, lines.slopes, strict=True)
        for (k, j), b in zip(lines.equation.orders, lines.slopes, strict=True)
    )
    q = np.linalg.qr(fx.matrix(x))[0] if len(x) > fx.count else np.eye(len(x))
    reduced = q.T @ dense @ q  # the evidence keeps its rows in an orthonormal basis of their span
    assert abs(np.trace(found) / np.trace(reduced) - 1) < 1e-10
    both = (np.linalg.eigvalsh(found)[-6:], np.linalg.eigvalsh(reduced)[-6:])
    assert np.abs(both[0] / both[1] - 1).max() < 1e-8
    assert term.m == LINES


# -- solutions ------------------------------------------------------------------------------------------

TAU = 2 * np.pi
W = "sin(6*x)*cos(20*x)"
LINE = {
    "wave": (["u_xx = -10000*sin(100*x)"], "sin(100*x)", (0.0, TAU, 400), 1e-9),
    "no harmonic": (["u_xx = -1004.89*sin(31.7*x)*exp(x) + 63.4*cos(31.7*x)*exp(x) + sin(31.7*x)*exp(x)"],
                    "sin(31.7*x)*exp(x)", (0.0, 2.0, 120), 1e-9),
    "scales": (["u_xx = -250000*sin(500*x) - 4"], "sin(500*x) - 2*(x - 0.5)**2", (0.0, 1.0, 400), 1e-9),
    "coefficients": (["(1 + x)*u_xx + u_x + x*u = 1 + x**2"], "x", (0.0, 1.0, 40), 1e-10),
    "cubic": ([f"w = {W}", "u_xx + u*(u**2 - 1) = -338*sin(26*x) + 98*sin(14*x) + w*(w**2 - 1)"],
              W, (0.0, TAU, 160), 1e-9),
    "bratu": (["u_xx = exp(u)"], "-2*log(cos((x - 0.5)/sqrt(2)))", (0.0, 1.0, 40), 1e-9),
    "first order": (["u_x = cos(x)"], "sin(x)", (0.0, 1.0, 40), 1e-9),
}  # fmt: skip


@pytest.mark.parametrize("name", LINE)
def test_exact_solutions_on_a_line(name: str) -> None:
    statements, exact, limits, bound = LINE[name]
    problem = box(statements, exact, {"x": limits})
    solution = GpHm().solve(problem, Run())
    solution.check(problem)
    assert solution.status is Status.OK
    u, std = truth(problem, exact), solution.std["u"]
    assert relative(solution.values["u"], u) < bound
    assert (std >= 0).all()
    if std.max() < 1e-13 * np.abs(u).max():  # rounding: one smooth draw, which may be off by two deviations everywhere
        assert (np.abs(solution.values["u"] - u) <= 3 * std).all()
    else:
        assert coverage(solution.values["u"], std, u) > 0.9


G, G2 = "(sin(x) + 0.1*sin(20*x) + cos(30*x))", "(-sin(x) - 40*sin(20*x) - 900*cos(30*x))"
H, H2 = G.replace("x", "y"), G2.replace("x", "y")
RECTANGLE = {
    "waves": (["u_xx + u_yy = -1250*sin(25*x)*sin(25*y)"], "sin(25*x)*sin(25*y)", 1e-8),
    "sum": (["u_xx + u_yy = -200*sin(2*x)*cos(14*x) - 56*cos(2*x)*sin(14*x) - 100*sin(10*y)"],
            "sin(2*x)*cos(14*x) + sin(10*y)", 1e-7),
    "smooth": (["u_xx + u_yy = (x**2 + y**2)*exp(x*y)"], "exp(x*y)", 1e-7),
    "cubic": ([f"w = {G}*{H}", f"u_xx + u_yy + u*(u**2 - 1) = {G2}*{H} + {G}*{H2} + w*(w**2 - 1)"], f"{G}*{H}", 1e-6),
    "coefficients": (["(1 + x*y)*u_xx + u_yy + sin(x)*u_y = -(10 + 9*x*y)*sin(3*x + y) + sin(x)*cos(3*x + y)"],
                     "sin(3*x + y)", 1e-7),
    "transport": (["20*u_x + u_y = 0"], "sin(x - 20*y)", 1e-6),
    "wall": (["u_xx + u_yy = 0"], "sin(pi*x)*sinh(pi*y)/sinh(pi)", 1e-6),
}  # fmt: skip


@pytest.mark.parametrize("name", RECTANGLE)
def test_exact_solutions_on_a_rectangle(name: str) -> None:
    statements, exact, bound = RECTANGLE[name]
    problem = box(statements, exact, {"x": (0.0, 1.0, 60), "y": (0.0, 1.0, 56)})
    solution = GpHm(kernel="gaussian").solve(problem, Run())
    solution.check(problem)
    assert solution.status is Status.OK
    assert relative(solution.values["u"], truth(problem, exact)) < bound
    assert (solution.std["u"] >= 0).all()
    assert coverage(solution.values["u"], solution.std["u"], truth(problem, exact)) > 0.9


def test_slopes_and_open_faces() -> None:
    equation = Equation.parse(["u_xx + u_yy - u = -3*sin(x + y)"], ["u"], ["x", "y"])
    axes = (Axis("x", 0.0, 1.0, 40, "dirichlet-neumann"), Axis("y", 0.0, 1.0, 44, "neumann-dirichlet"))
    data = {"x": {"lower": "sin(y)", "upper": "cos(1 + y)"}, "y": {"lower": "-cos(x)", "upper": "sin(x + 1)"}}
    problem = Problem("p", equation, Grid(axes, NOW), kind="steady", boundary_text={"u": data})
    solution = GpHm(kernel="gaussian").solve(problem, Run())
    assert solution.status is Status.OK
    assert relative(solution.values["u"], truth(problem, "sin(x + y)")) < 1e-7
    equation = Equation.parse(["u_x + 2*u = 1"], ["u"], ["x"])
    grid = Grid((Axis("x", 0.0, 1.0, 40, "dirichlet-open"),), NOW)
    problem = Problem("p", equation, grid, kind="steady", boundary_text={"u": {"x": {"lower": "1.5"}}})
    solution = GpHm().solve(problem, Run())
    assert relative(solution.values["u"], truth(problem, "0.5 + exp(-2*x)")) < 1e-9
    equation = Equation.parse(["u_xx = -9*sin(3*x)"], ["u"], ["x"])
    grid = Grid((Axis("x", 0.0, 1.0, 40, "neumann-dirichlet"),), NOW)
    data = {"x": {"lower": "-3", "upper": "sin(3)"}}
    problem = Problem("p", equation, grid, kind="steady", boundary_text={"u": data})
    assert relative(GpHm().solve(problem, Run()).values["u"], truth(problem, "sin(3*x)")) < 1e-9


def test_gauss_newton_converges_quadratically() -> None:
    problem = box(["u_xx = exp(u)"], "-2*log(cos((x - 0.5)/sqrt(2)))", {"x": (0.0, 1.0, 40)})
    residuals = GpHm(kernel="gaussian").solve(problem, Run()).history["gauss_newton_residual"]
    assert residuals[0] < 0.1 and residuals[1] < 10 * residuals[0] ** 2 and residuals[2] < 1e-9


def random_truth(seed: int, decay: float = 2.5) -> tuple[str, str]:
    """u and u_xx of a random sum of waves whose spectrum falls like a Student-t density."""
    rng = np.random.default_rng(seed)
    omega = 0.1 + 2 * (np.arange(20) + rng.uniform(0, 1, 20))
    a = rng.normal(size=(2, 20)) / (1 + (omega / 6) ** 2) ** decay
    waves = [f"({p:.4g}*cos({w:.3f}*x) + ({q:.4g})*sin({w:.3f}*x))" for w, p, q in zip(omega, *a, strict=True)]
    return " + ".join(waves), " ".join(f"- {w:.3f}**2*{wave}" for w, wave in zip(omega, waves, strict=True))


@pytest.mark.parametrize("kernel", ["student-t", "gaussian"])
def test_the_spread_is_calibrated(kernel: str) -> None:
    """Twelve random truths that no component was built for; the ends, which are given, do not count.

    Errors of a line are smooth, so that one truth is covered nearly everywhere or not: sizes are compared as well.
    """
    shares, sizes = [], []
    for seed in range(12):
        exact, curvature = random_truth(seed)
        problem = box([f"u_xx = {curvature}"], exact, {"x": (0.0, 2.3, 24)})
        solution = GpHm(kernel=kernel).solve(problem, Run())
        error, std = (solution.values["u"] - truth(problem, exact))[0, 1:-1], solution.std["u"][0, 1:-1]
        shares.append(coverage(error, std, np.zeros(22)))
        sizes.append(np.linalg.norm(error) / np.linalg.norm(std))
    assert np.mean(shares) > 0.9
    assert 0.7 < np.median(sizes) < 1.3


def test_without_the_held_out_check_the_spread_would_be_too_small() -> None:
    """The posterior alone is right on average only; what is reported is scaled up where held-out points move it."""
    moved = []
    for seed in range(8):
        exact, curvature = random_truth(seed)
        problem = box([f"u_xx = {curvature}"], exact, {"x": (0.0, 2.3, 24)})
        moved.append(GpHm(kernel="gaussian").solve(problem, Run()).cost["held_out_move"])
    assert max(moved) > 1.2 > min(moved)


def test_what_is_not_resolved_is_called_inaccurate() -> None:
    for statement, exact in (("u_xx = tanh(800*(x - 0.51))", "0*x"), ("u_xx = -10000*sin(100*x)", "sin(100*x)")):
        solution = GpHm(points=30).solve(box([statement], exact, {"x": (0.0, 6.0, 32)}), Run())
        assert solution.status is Status.INACCURATE
        assert "error" in solution.message or "residual" in solution.message


def test_results_tell_what_the_likelihood_chose() -> None:
    problem = box(["u_xx = -10000*sin(100*x)"], "sin(100*x)", {"x": (0.0, TAU, 400)})
    solution = GpHm(kernel="gaussian").solve(problem, Run())
    assert np.abs(solution.history["frequencies_x"] - 100).min() < 0.5
    assert (solution.history["lengths_x"] <= 2.0 + 1e-12).all()
    assert solution.cost["log_likelihood"] == solution.history["log_likelihood"][-1]
    assert solution.cost["held_out_residual"] < 1e-12


def test_both_envelopes_are_compared_by_likelihood() -> None:
    statements, exact, limits, _ = LINE["no harmonic"]
    problem = box(statements, exact, {"x": limits})
    values = {k: GpHm(kernel=k).solve(problem, Run()).cost["log_likelihood"] for k in ("student-t", "gaussian")}
    assert GpHm().solve(problem, Run()).cost["log_likelihood"] == max(values.values())


# -- interruption, refusals -----------------------------------------------------------------------------


@pytest.mark.slow
def test_small_budgets_add_up(tmp_path: Path) -> None:
    """Every run goes on where the last one stopped, unless not even one kernel or one plane fits in."""
    problem = box(["u_xx + u_yy = u**3 + 1"], "x*y", {"x": (0.0, 1.0, 20), "y": (0.0, 1.0, 20)})
    solver, parts = GpHm(kernel="gaussian"), 0
    while True:

        class Part(Run):
            fresh = 0

            def step(self, fraction, state=None, note=""):  # type: ignore[no-untyped-def]
                self.fresh += "Gauss" in note
                if self.fresh > 8:
                    self.save(state())
                    raise Stopped("enough")

        try:
            solution = solver.solve(problem, Part(folder=tmp_path))
            break
        except Stopped:
            parts += 1
            assert parts < 40
    assert parts > 1
    assert solution.values["u"].tobytes() == solver.solve(problem, Run()).values["u"].tobytes()


@pytest.mark.parametrize("name", ["line", "plane"])
def test_resumed_equals_uninterrupted(name: str, tmp_path: Path) -> None:
    class Interrupted(Run):
        def step(self, fraction, state=None, note=""):  # type: ignore[no-untyped-def]
            if "Gauss" in note:
                self.save(state() if callable(state) else state)
                raise Stopped("enough")

    problem = {
        "line": box(["u_xx = exp(u)"], "0*x", {"x": (0.0, 1.0, 40)}),
        "plane": box(["u_xx + u_yy = u**3 + 1"], "x*y", {"x": (0.0, 1.0, 20), "y": (0.0, 1.0, 20)}),
    }[name]
    solver = GpHm(kernel="gaussian")
    with pytest.raises(Stopped):
        solver.solve(problem, Interrupted(folder=tmp_path))
    resumed, whole = solver.solve(problem, Run(folder=tmp_path)), solver.solve(problem, Run())
    assert resumed.values["u"].tobytes() == whole.values["u"].tobytes()
    assert resumed.std["u"].tobytes() == whole.std["u"].tobytes()
    assert resumed.cost == whole.cost
    assert all(np.array_equal(resumed.history[key], whole.history[key]) for key in whole.history)


def test_a_spent_budget_stops_it() -> None:
    problem = box(["u_xx = exp(u)"], "0*x", {"x": (0.0, 1.0, 40)})
    with pytest.raises(Stopped, match="budget"):
        GpHm().solve(problem, Run(budget=1e-3))



def test_refusals_say_why() -> None:
    def make(statements: list[str], axes: tuple[Axis, ...], fields: tuple[str, ...] = ("u",)) -> Problem:
        equation = Equation.parse(statements, fields, [a.name for a in axes])
        return Problem("p", equation, Grid(axes, NOW), kind="steady")

    x, y, z = (Axis(name, 0.0, 1.0, 8, "dirichlet") for name in "xyz")
    assert GpHm().refuses(make(["u_xx = 1"], (x,))) == []
    for problem, message in (
        (make(["u_xx = 1"], (Axis("x", 0.0, 1.0, 8),)), "periodic"),
        (make(["u_xx + u_yy + u_zz = 1"], (x, y, z)), "3 space"),
        (make(["u_xx = v", "v_xx = u"], (x,), ("u", "v")), "system"),
        (make(["u_xxxx = 1"], (x,)), "above the second"),
        (make(["u_x = 1"], (Axis("x", 0.0, 1.0, 8, "open"),)), "at least one face"),
        (make(["u_xx + u_yy = 1"], tuple(Axis(n, 0.0, 1.0, 8, "neumann") for n in "xy")), "at least one face"),
    ):
        assert message in "; ".join(GpHm().refuses(problem))
    evolution = Problem(
        "p", Equation.parse(["u_t = u_xx"], ["u"], ["x"]), Grid((Axis("x", 0.0, 1.0, 8),), np.linspace(0, 1, 3)),
        initial_text={"u": "0"},
    )  # fmt: skip
    assert "evolution" in "; ".join(GpHm().refuses(evolution))


def test_nothing_given_is_a_sentence() -> None:
    for axes in ({"x": (0.0, 1.0, 8)}, {"x": (0.0, 1.0, 8), "y": (0.0, 1.0, 8)}):
        statement = "u_xx = 0" if len(axes) == 1 else "u_xx + u_yy = 0"
        with pytest.raises(RunFailed, match="vanish"):
            GpHm().solve(box([statement], "0*x", axes), Run())


def test_an_equation_without_value_is_a_sentence() -> None:
    with pytest.raises(RunFailed, match="not finite"):
        GpHm().solve(box(["u_xx = log(u - 1)"], "0*x", {"x": (0.0, 1.0, 20)}), Run())


def test_least_squares_sees_the_whole_residual() -> None:
    """With constant coefficients; and its step is the dense least-squares solution."""
    tensor = small_tensor(box(["2*u_x + u_y = 0"], "sin(3*(x - 2*y))", {"x": (0.0, 1.0, 12), "y": (0.0, 2.0, 12)}))
    c = tensor.boundary
    squares = Squares(tensor, c)
    residual = tensor.equation.residual(tensor.derivatives(c), tensor.at)
    assert abs(np.linalg.norm(squares.residual(c)) / tensor.norm(residual) - 1) < 1e-10
    slopes = tensor.equation.slopes(tensor.derivatives(c), tensor.at)
    shape = (tensor.x.rank - 2, tensor.y.rank - 2)
    units = np.eye(tensor.unknowns).reshape(-1, *shape)
    root = np.sqrt(tensor.weights)
    dense = np.stack([(root * tensor.apply(slopes, tensor.inside(unit))).ravel() for unit in units]).T
    exact = np.linalg.lstsq(dense, -(root * residual).ravel())[0]
    assert relative(dense @ squares.step(c)[tensor.inner].ravel(), dense @ exact) < 1e-9


def test_a_linear_plane_needs_one_step_and_its_refinement() -> None:
    tensor = small_tensor(box(["u_xx + u_yy = 1"], "x*y", {"x": (0.0, 1.0, 12), "y": (0.0, 2.0, 12)}))
    found = newton(tensor, tensor.boundary, 10, Progress(Run(), 1), "once")
    assert found.converged
    assert isinstance(linearise(tensor, found.c), Galerkin)
    assert found.residuals[0] < 1e-8 and len(found.residuals) <= 4
