"""Finite volumes: orders, conservation, jumps, flow in a plane, refusals, resumption."""

from __future__ import annotations

import math
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from sciml_classical.finite_volume import averaging, reconstruction
from sciml_classical.finite_volume.fluxes import spectral_radius
from sciml_classical.finite_volume.law import Law
from sciml_classical.solver import Etdrk4, FiniteVolume

from sciml import Axis, Equation, Grid, Problem, Run, Solution, Status
from sciml.errors import RunFailed, Stopped
from sciml.files import problem_file
from sciml.reference.values import read_reference

PROBLEMS = Path(__file__).parents[2] / "problems"
TAU = 2 * math.pi
VORTICITY = ["psi = inverse_laplacian(-w)", "u = psi_y", "v = -psi_x"]
Data = dict[str, dict[str, dict[str, str]]]


def step(place: str) -> str:
    """-1 to 1."""
    return f"(x - {place})/sqrt((x - {place})**2 + 1e-30)"


BOX = f"0.5*{step('0.21')} - 0.5*{step('0.63')}"


def line(
    rates: list[str], initial: dict[str, str], size: int, end: float = 1.0, kind: str = "periodic", data: Data | None = None
) -> Problem:
    equation = Equation.parse(rates, list(initial), ["x"])
    grid = Grid((Axis("x", 0.0, 1.0, size, kind),), np.linspace(0, end, 3))
    return Problem("p", equation, grid, initial_text=initial, boundary_text=data or {})


def plane(
    rates: list[str], initial: dict[str, str], size: int, end: float, kind: str = "periodic", sides: tuple[float, float] = (0.0, TAU)
) -> Problem:
    equation = Equation.parse(rates, list(initial), ["x", "y"])
    axes = tuple(Axis(a, *sides, size, kind) for a in "xy")
    return Problem("p", equation, Grid(axes, np.linspace(0, end, 2)), initial_text=initial)


def solved(problem: Problem, **options: object) -> Solution:
    solver = FiniteVolume.build(**options)
    assert solver.refuses(problem) == []
    solution = solver.solve(problem, Run())
    solution.check(problem)
    assert solution.status is Status.OK
    return solution


def points(problem: Problem) -> np.ndarray:
    return problem.grid.axes[0].points()


def slope(errors: list[float]) -> float:
    """Order between the last two of errors with halved cells."""
    return math.log2(errors[-2] / errors[-1])


class TestPieces:
    @pytest.mark.parametrize("kind", ["weno5", "weno-z", "muscl"])
    def test_parabolas_and_lines_are_reconstructed(self, kind: str) -> None:
        """Averages of a line give its values at faces; with WENO of a parabola too, for every stencil has them."""
        cells = torch.arange(12, dtype=torch.float64)
        square = (cells**2 + cells + 1 / 3) if kind != "muscl" else cells + 0.5
        below, above = reconstruction.traces(kind, "van-leer", square[None], 1, torch.tensor(1e-60))
        faces = torch.arange(3, 10, dtype=torch.float64)
        exact = faces**2 if kind != "muscl" else faces
        assert (below[0] - exact).abs().max() < 1e-13
        assert (above[0] - exact).abs().max() < 1e-13

    def test_weno_has_the_fifth_order_weights_where_smooth(self) -> None:
        """A large floor makes the weights linear: those of the quartic, (2, -13, 47, 27, -3)/60."""
        values = torch.randn(6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        for kind in ("weno5", "weno-z"):
            below, above = reconstruction.traces(kind, "", values[None], 1, torch.tensor(1e20))
            weights = torch.tensor([2.0, -13, 47, 27, -3], dtype=torch.float64) / 60
            assert float(below) == pytest.approx(float(weights @ values[:5]), abs=1e-12)
            assert float(above) == pytest.approx(float(weights @ values.flip(0)[:5]), abs=1e-12)

    def test_averages_and_middles_invert_each_other_to_order_six(self) -> None:
        errors, means = [], []
        for n in (20, 40):
            h = TAU / n
            x = torch.arange(n, dtype=torch.float64) * h
            mean = torch.sin(x) * math.sin(h / 2) / (h / 2)
            errors.append(float((averaging.to_points(mean, 0) - torch.sin(x)[2:-2]).abs().max()))
            means.append(float((averaging.to_averages(torch.sin(x), 0) - mean[2:-2]).abs().max()))
        assert slope(errors) == pytest.approx(6, abs=0.1)
        assert slope(means) == pytest.approx(6, abs=0.1)

    @pytest.mark.parametrize("m", [2, 3, 4])
    def test_spectral_radius(self, m: int) -> None:
        rng = np.random.default_rng(m)
        real = rng.normal(size=(200, m, m))
        values = rng.normal(size=(200, m))
        matrices = np.concatenate([real @ (values[..., None] * np.linalg.inv(real)), rng.normal(size=(200, m, m))])
        entries = [[torch.as_tensor(matrices[:, i, j]) for j in range(m)] for i in range(m)]
        ratio = spectral_radius(entries).numpy() / np.abs(np.linalg.eigvals(matrices)).max(1)
        half_the_digits = 1e-7  # of eigenvalues that are nearly double
        assert ratio.min() > 1 - half_the_digits
        assert ratio.max() < 2
        exact = {2: ratio, 3: ratio[:200], 4: np.ones(1)}[m]
        assert exact.max() < 1 + half_the_digits


@pytest.mark.parametrize(("kind", "order", "margin"), [("weno5", 5, 0.15), ("weno-z", 5, 0.15), ("muscl", 2, 0.3)])
def test_order_in_space(kind: str, order: int, margin: float) -> None:
    """Advection of a wave, in the mean; steps ~ h^(5/3), so that those in time do not show."""
    errors = []
    for n in (20, 40, 80):
        problem = line(["u_t = -u_x"], {"u": "sin(2*pi*x)"}, n)
        found = solved(problem, reconstruction=kind, cfl=0.4 * (20 / n) ** (2 / 3)).values["u"][-1]
        errors.append(float(np.abs(found - np.sin(TAU * points(problem))).mean()))
    assert slope(errors) == pytest.approx(order, abs=margin)


def test_order_in_time() -> None:
    errors = []
    for n in (80, 160):
        problem = line(["u_t = -u_x"], {"u": "sin(2*pi*x)"}, n)
        found = solved(problem, cfl=1.0).values["u"][-1]
        errors.append(float(np.abs(found - np.sin(TAU * points(problem))).max()))
    assert slope(errors) == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize("cells", [0, 80, 123])
def test_smooth_burgers_at_points_wherever_they_lie(cells: int) -> None:
    """Before the shock, by characteristics; 123 cells are no multiple of the grid."""
    problem = line(["u_t = -u*u_x"], {"u": "0.5 + sin(2*pi*x)"}, 80, 0.1)
    exact = points(problem) * 0.0
    for _ in range(200):  # a contraction: 0.1 · 2π < 1
        exact = 0.5 + np.sin(TAU * (points(problem) - 0.1 * exact))
    found = solved(problem, cells=cells, cfl=0.25).values["u"][-1]
    assert np.abs(found - exact).max() < 2e-4


def test_inflow_and_outflow_keep_the_order() -> None:
    """Data that move: the stages of a step take what the scheme makes of them, else the order falls."""
    errors = []
    for n in (41, 81, 161):
        data = {"u": {"x": {"lower": "sin(-2*pi*t)"}}}
        problem = line(["u_t = -u_x"], {"u": "sin(2*pi*x)"}, n, 1.3, "dirichlet-open", data)
        found = solved(problem, cfl=0.4 * (40 / (n - 1)) ** (2 / 3)).values["u"][-1]
        errors.append(float(np.abs(found - np.sin(TAU * (points(problem) - 1.3))).max()))
    assert errors[-1] < 1.5e-7
    assert slope(errors) > 4.5


@pytest.mark.parametrize("kind", ["weno5", "weno-z", "muscl"])
def test_the_integral_is_kept(kind: str) -> None:
    problem = line(["u_t = -d_x(u**4/4) + 0.001*u_xx"], {"u": f"0.2 + {BOX}"}, 100, 0.3)
    solution = solved(problem, reconstruction=kind)
    assert solution.cost["change_of_integral"] < 1e-14


@pytest.mark.parametrize("limiter", ["van-leer", "minmod"])
def test_muscl_makes_no_extrema(limiter: str) -> None:
    """The total variation of a box does not grow, that of a shock neither."""
    for rate, initial in (("-u_x", BOX), ("-u*u_x", f"0.4*sin(2*pi*x) + {BOX}")):
        problem = line([f"u_t = {rate}"], {"u": initial}, 100)
        values = solved(problem, reconstruction="muscl", limiter=limiter).values["u"]
        variation = [np.abs(np.diff(np.append(row, row[0]))).sum() for row in values]
        assert variation[1] <= variation[0] + 1e-12 and variation[2] <= variation[1] + 1e-12
        assert values.max() <= values[0].max() + 1e-12 and values.min() >= values[0].min() - 1e-12


@pytest.mark.parametrize(("kind", "over"), [("weno5", 5e-3), ("weno-z", 5e-4), ("muscl", 1e-13)])
def test_a_shock_moves_at_the_mean_of_both_sides(kind: str, over: float) -> None:
    """u = 1 behind, 0 before it: speed 1/2 (Rankine–Hugoniot); the place is read from the integral."""
    initial = f"0.5 - 0.5*{step('0.21')}"
    problem = line(["u_t = -u*u_x"], {"u": initial}, 101, 1.0, "dirichlet-open", {"u": {"x": {"lower": "1"}}})
    found = solved(problem, reconstruction=kind).values["u"][-1]
    x = points(problem)
    assert np.trapezoid(found, x) == pytest.approx(0.71, abs=1e-4)
    assert np.abs(found - (x < 0.71))[np.abs(x - 0.71) > 0.05].max() < 1e-4
    assert found.max() < 1 + over and found.min() > -over


def test_a_transonic_rarefaction_opens() -> None:
    """-1 beside 1: no shock may stay at 0.5, where u = (x - 0.5)/t."""
    data = {"u": {"x": {"lower": "-1", "upper": "1"}}}
    problem = line(["u_t = -u*u_x"], {"u": step("0.5")}, 201, 0.3, "dirichlet", data)
    found = solved(problem).values["u"][-1]
    assert np.abs(found - np.clip((points(problem) - 0.5) / 0.3, -1, 1)).mean() < 3e-3


def test_a_gaussian_over_many_periods() -> None:
    """Nonlinear weights and output lose little beside the linear scheme they should become where it is smooth, whose
    result after 2000 steps follows from its symbol: the quartic's weights in space, 1 + z + z²/2 + z³/6 in time."""
    n, steps = 100, 2000
    problem = line(["u_t = -u_x"], {"u": "exp(20*(cos(2*pi*(x - 0.5)) - 1))"}, n, 10.0)
    values = solved(problem).values["u"]
    angle = TAU * np.fft.fftfreq(n)
    face = sum(w * np.exp(1j * k * angle) for w, k in zip((2, -13, 47, 27, -3), range(-2, 3), strict=True)) / 60
    z = -10.0 / steps * n * face * (1 - np.exp(-1j * angle))
    linear = np.fft.ifft(np.fft.fft(values[0]) * (1 + z + z**2 / 2 + z**3 / 6) ** steps).real
    assert np.linalg.norm(values[-1] - values[0]) < 1.1 * np.linalg.norm(linear - values[0])


PLANES = {
    "burgers": (["u_t = -u*u_x - d_y(u**2/2)"], {"u": "0.3 + 0.5*sin(x + y)*cos(y)"}),
    "given velocity": (["u_t = -sin(x)*cos(y)*u_x + cos(x)*sin(y)*u_y"], {"u": "exp(cos(x - 1) + sin(y))"}),
    "own stream function": ([*VORTICITY, "w_t = -u*w_x - v*w_y"], {"w": "2*cos(x)*cos(y) + sin(2*x + 1)*cos(y)"}),
    "viscous": (
        [*VORTICITY[:1], "w_t = -dot_grad(psi_y, -psi_x, w) + 0.02*laplacian(w)"],
        {"w": "2*cos(x)*cos(y) + sin(2*x + 1)*cos(y)"},
    ),
    "with sources": (["u_t = -u_x - 0.5*u_y + u - u**2"], {"u": "0.3 + 0.2*sin(x + y)*cos(y)"}),
    "carried along": (
        [*VORTICITY, "w_t = -u*w_x - v*w_y", "c_t = -d_x(u*c) - d_y(v*c) + 0.01*laplacian(c)"],
        {"w": "2*cos(x)*cos(y) + sin(2*x + 1)*cos(y)", "c": "cos(x)"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANES)
def test_order_in_the_plane(name: str) -> None:
    """Against Fourier series, fifth order also where fluxes are products; averages of faces taken for values give 2."""
    rates, initial = PLANES[name]
    errors = []
    for n in (24, 48):
        problem = plane(rates, initial, n, 0.3)
        exact = Etdrk4().solve(problem, Run()).values
        found = solved(problem, cfl=0.5 * (24 / n) ** (2 / 3)).values
        errors.append(max(float(np.abs(found[k][-1] - exact[k][-1]).mean()) for k in initial))
    assert slope(errors) > 4.4


@pytest.mark.parametrize("kind", ["weno-z", "muscl"])
def test_constants_stay_in_a_flow_without_divergence(kind: str) -> None:
    """Velocities on faces balance to rounding, given ones and those of a stream function."""
    rates = [*VORTICITY, "w_t = -u*w_x - v*w_y", "c_t = -u*c_x - v*c_y", "d_t = -sin(x)*cos(y)*d_x(d) + cos(x)*sin(y)*d_y(d)"]
    problem = plane(rates, {"w": "cos(x)*cos(y) + sin(2*y)", "c": "1", "d": "1"}, 24, 0.5)
    values = solved(problem, reconstruction=kind).values
    assert np.abs(values["c"] - 1).max() < 1e-13
    assert np.abs(values["d"] - 1).max() < 1e-13


def test_rotation_in_a_box() -> None:
    """A quarter turn of a bump in a square with ends."""
    problem = plane(["u_t = y*u_x - x*u_y"], {"u": "exp(-20*((x - 0.4)**2 + y**2))"}, 49, math.pi / 2, "dirichlet", (-1.0, 1.0))
    x, y = np.meshgrid(points(problem), points(problem), indexing="ij")
    exact = np.exp(-20 * (x**2 + (y - 0.4) ** 2))
    assert np.abs(solved(problem).values["u"][-1] - exact).max() < 5e-3


def test_taylor_green_decays() -> None:
    problem = plane([VORTICITY[0], "w_t = -dot_grad(psi_y, -psi_x, w) + 0.1*laplacian(w)"], {"w": "2*cos(x)*cos(y)"}, 32, 1.0)
    values = solved(problem).values["w"]
    assert np.abs(values[-1] - values[0] * math.exp(-0.2)).max() < 2e-4


@pytest.mark.parametrize(
    ("name", "jumps", "order"), [("advection-square", {"u": 2.0}, 5 / 6), ("burgers-shock", {"u": 2.0}, 1.0),
    ("sod", {"rho": 0.35, "m": 0.5, "E": 1.0}, 5 / 6)],
)  # fmt: skip
def test_shipped_problems(name: str, jumps: dict[str, float], order: float) -> None:
    """Errors in the mean are no more than two cells times the jumps, and fall with the width of what is smeared:
    of a shock h, of a contact h^(5/6) for a scheme of fifth order."""
    path = PROBLEMS / f"{name}.h5"
    problem = problem_file.read(path)
    reference = read_reference(path, problem)
    assert reference is not None
    size = problem.grid.shape[0] - (not problem.grid.axes[0].periodic)
    coarse, fine = (solved(problem, cells=n).values for n in (size, 2 * size))
    for field, jump in jumps.items():
        first, second = (float(np.abs(v[field] - reference.values[field])[-1].mean()) for v in (coarse, fine))
        assert first < 2 * jump / size
        assert math.log2(first / second) > order - 0.25


class TestRefusals:
    @pytest.mark.parametrize(
        ("rates", "fields", "reason"),
        [
            (["u_t = -u_xxx"], "u", "it has no flux for the term u_xxx"),
            (["u_t = -0.1*u_xx"], "u", "it has no flux for the term u_xx, a diffusion of negative sign"),
            (["u_t = d_x(u*u_x)"], "u", "it has no flux for the term (u u_x)_x"),
            (["u_t = -u_x**2"], "u", "it has no flux for the term u_x²"),
            (
                ["u_t = -v*u_x", "v_t = 0"], "uv",
                "it has no flux for the term v u_x, which is not the derivative of one",
            ),
            (["u_t = inverse_laplacian(u)"], "u", "it has no flux for the term Δ⁻¹(u)"),
        ],
    )  # fmt: skip
    def test_terms(self, rates: list[str], fields: str, reason: str) -> None:
        assert FiniteVolume().refuses(line(rates, dict.fromkeys(fields, "sin(2*pi*x)"), 32)) == [reason]

    def test_velocities_with_divergence(self) -> None:
        rates = ["psi = inverse_laplacian(-w)", "w_t = -psi_y*w_x - psi_x*w_y"]
        (reason,) = FiniteVolume().refuses(plane(rates, {"w": "cos(x)"}, 16, 1.0))
        assert "not (psi_y, -psi_x)" in reason

    def test_a_stream_function_between_walls(self) -> None:
        (reason,) = FiniteVolume().refuses(plane([VORTICITY[0], "w_t = -dot_grad(psi_y, -psi_x, w)"], {"w": "0"}, 16, 1.0, "open"))
        assert reason == "a stream function needs periodic axes"

    def test_options(self) -> None:
        problem = line(["u_t = -u_x"], {"u": "x"}, 32)
        assert FiniteVolume(cells=4).refuses(problem) == ["cells must be 0 or at least 8"]
        assert FiniteVolume().refuses(line(["u_t = -u_x"], {"u": "x"}, 8)) == [
            "a grid of fewer than 9 points per axis needs the option cells"
        ]

    def test_a_blow_up(self) -> None:
        with pytest.raises(RunFailed, match="not finite at t=|too small at t="):
            FiniteVolume().solve(line(["u_t = u**2"], {"u": "1 + 0*x"}, 32, 3.0), Run())


def test_products_are_read_as_fluxes() -> None:
    law = Law.of(line(["u_t = -(2 + u**2)*u_x + 3*v_x - v", "v_t = -x*v_x"], {"u": "x", "v": "x"}, 16))
    assert len(law.carried) == 1 and not law.linear
    both = Law.of(line(["u_t = -2*u_x + 3*v_x", "v_t = u_x"], {"u": "x", "v": "x"}, 16))
    assert both.linear


JUMPING = line(["u_t = -u*u_x + 0.001*u_xx + 0.1*u"], {"u": f"0.4 + {BOX}"}, 64, 0.5)
FLOW = plane([*VORTICITY, "w_t = -u*w_x - v*w_y"], {"w": "2*cos(x)*cos(y) + sin(2*x + 1)"}, 16, 0.5)


class Interrupted(Run):
    def __init__(self, folder: Path, after: int) -> None:
        super().__init__(folder=folder)
        self.left = after

    def step(self, fraction, state=None, note=""):  # type: ignore[no-untyped-def]
        self.left -= 1
        if self.left < 0 and fraction < 1:
            self.save(state() if callable(state) else state)
            raise Stopped("enough")


@pytest.mark.parametrize(("problem", "field"), [(JUMPING, "u"), (FLOW, "w")], ids=["line", "plane"])
@pytest.mark.parametrize("after", [0, 4])
def test_resumed_equals_uninterrupted(problem: Problem, field: str, after: int, tmp_path: Path) -> None:
    whole = FiniteVolume().solve(problem, Run())
    with pytest.raises(Stopped):
        FiniteVolume().solve(problem, Interrupted(tmp_path, after))
    resumed = FiniteVolume().solve(problem, Run(folder=tmp_path))
    assert resumed.values[field].tobytes() == whole.values[field].tobytes()
    assert resumed.cost == whole.cost


def test_a_spent_budget_and_ctrl_c_keep_the_state(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="budget"):
        FiniteVolume().solve(JUMPING, Run(folder=tmp_path / "a", budget=1e-6))
    assert (tmp_path / "a" / "checkpoint.npz").exists()
    pressed = []

    def press(fraction: float, note: str) -> None:
        if fraction > 0.3 and not pressed:
            pressed.append(fraction)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Stopped, match="Ctrl-C"), Run(folder=tmp_path / "b", on_progress=press) as run:
        FiniteVolume().solve(JUMPING, run)
    found = FiniteVolume().solve(JUMPING, Run(folder=tmp_path / "b"))
    assert found.values["u"].tobytes() == FiniteVolume().solve(JUMPING, Run()).values["u"].tobytes()
