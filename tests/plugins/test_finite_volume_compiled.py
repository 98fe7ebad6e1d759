"""The compiled finite volumes have the numbers of the torch path, whatever the equation, the ends and the threads."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sciml_classical.finite_volume import compiled as compiled_module
from sciml_classical.finite_volume import stepping
from sciml_classical.finite_volume.balance import Balance
from sciml_classical.finite_volume.compiled import Compiled
from sciml_classical.finite_volume.ghosts import Moment
from sciml_classical.finite_volume.law import Law
from sciml_classical.finite_volume.mesh import Mesh
from sciml_classical.solver import FiniteVolume

from sciml import Axis, Equation, Grid, Problem, Run
from sciml.errors import RunFailed
from sciml.files import problem_file
from sciml.kernels import volume
from sciml.kernels.native import compile

PROBLEMS = Path(__file__).parents[2] / "problems"
needs_compiler = pytest.mark.skipif(not volume.available(), reason="no C++ compiler here")
ROUNDING = 1e-12
VORTICITY = ["psi = inverse_laplacian(-w)", "u = psi_y", "v = -psi_x"]
SCHEMES = [
    {"reconstruction": "weno-z"}, {"reconstruction": "weno5"}, {"reconstruction": "muscl"},
    {"reconstruction": "muscl", "limiter": "minmod"},
]  # fmt: skip
BOX = "0.5*(x - 0.21)/sqrt((x - 0.21)**2 + 1e-30) - 0.5*(x - 0.63)/sqrt((x - 0.63)**2 + 1e-30)"
WAVES = {"u": "0.2*sin(x + y)*cos(y)", "v": "0.1*cos(x)"}
EULER = [
    "p = 0.4*(e - (m**2 + n**2)/r/2)", "r_t = -m_x - n_y", "m_t = -d_x(m**2/r + p) - d_y(m*n/r)",
    "n_t = -d_x(m*n/r) - d_y(n**2/r + p)", "e_t = -d_x(m*(e + p)/r) - d_y(n*(e + p)/r)",
]  # fmt: skip

# rates, initial data, boundary of each axis, boundary data
CASES: dict[str, tuple[list[str], dict[str, str], tuple[str, ...], dict[str, dict[str, dict[str, str]]]]] = {
    "advection": (["u_t = -u_x"], {"u": BOX}, ("periodic",), {}),
    "shock with diffusion and growth": (["u_t = -u*u_x + 0.001*u_xx + 0.1*u - sin(u)"], {"u": f"0.4 + {BOX}"}, ("periodic",), {}),
    "diffusion alone": (["u_t = 0.1*u_xx"], {"u": BOX}, ("open",), {}),
    "every function": (
        ["u_t = -d_x(sin(u) + cosh(u)/(2 + tanh(x))) + exp(-u)*log(2 + u)*sqrt(1 + t) + tan(u/9)/sqrt(2 + u)"],
        {"u": BOX}, ("periodic",), {},
    ),
    "inflow that moves": (["u_t = -u_x + cos(t)*x"], {"u": "sin(6*x)"}, ("dirichlet-open",), {"u": {"x": {"lower": "sin(-6*t)"}}}),
    "velocity that moves": (["u_t = -d_x((1 + x*sin(t))*u)"], {"u": BOX}, ("periodic",), {}),
    "two fields": (["u_t = -d_x(u*v + u**2/2)", "v_t = -u_x - d_x(v**2/2)"], {"u": BOX, "v": "1 + 0.2*x"}, ("open",), {}),
    "rotating fields": (["u_t = v_x + u", "v_t = -u_x"], {"u": BOX, "v": "sin(6*x)"}, ("periodic",), {}),
    "cross diffusion": (["u_t = 0.1*u_xx - 0.02*v_xx", "v_t = -u*v"], {"u": BOX, "v": "x"}, ("open",), {}),
    "plane, linear": (["u_t = -u_x - 0.5*u_y + 0.01*laplacian(u)"], {"u": WAVES["u"]}, ("periodic", "periodic"), {}),
    "plane, burgers": (["u_t = -u*u_x - d_y(u**2/2) + 0.1*u_xx"], {"u": WAVES["u"]}, ("periodic", "open"), {}),
    "plane, given velocity": (["u_t = -sin(x)*cos(y)*u_x + cos(x + t)*sin(y)*u_y"], {"u": WAVES["u"]}, ("periodic", "periodic"), {}),
    "plane, ends": (
        ["u_t = y*u_x - x*u_y - u**2"], {"u": WAVES["u"]}, ("dirichlet", "dirichlet-open"),
        {"u": {"x": {"lower": "sin(y - t)", "upper": "cos(y)"}, "y": {"lower": "x*t"}}},
    ),
    "plane, reaction": (["u_t = -u_x + u - u**2*v", "v_t = u*v*cos(x)"], WAVES, ("periodic", "periodic"), {}),
    "plane, four fields": (
        EULER, {"r": "1 + 0.2*sin(x)", "m": "0.1*cos(y)", "n": "0.3*sin(x + y)", "e": "2.5 + 0.1*cos(x)"}, ("open", "periodic"), {},
    ),
    "flow": ([*VORTICITY, "w_t = -u*w_x - v*w_y + 0.01*laplacian(w)"], {"w": "2*cos(x)*cos(y) + sin(2*x)"}, ("periodic", "periodic"), {}),
    "flow that carries": (
        [*VORTICITY, "w_t = -u*w_x - v*w_y", "c_t = -d_x(u*c) - d_y(v*c) - sin(y)*c_x + 0.1*w"],
        {"w": "2*cos(x)*cos(y) + sin(2*x)", "c": "cos(x)"}, ("periodic", "periodic"), {},
    ),
    "two stream functions": (
        ["p = inverse_laplacian(a)", "q = inverse_laplacian(b)", "a_t = -dot_grad(-p_y, p_x, a) - dot_grad(-q_y, q_x, b)",
         "b_t = -2*dot_grad(-p_y, p_x, b)"],
        {"a": "cos(x)*cos(y) + sin(2*x)", "b": "cos(x - y)"}, ("periodic", "periodic"), {},
    ),
}  # fmt: skip


def problem_of(name: str, sizes: tuple[int, int]) -> Problem:
    rates, initial, kinds, data = CASES[name]
    axes = "xy"[: len(kinds)]
    ends = (0.0, 1.0) if len(kinds) == 1 else (0.0, 2 * math.pi)
    grid = Grid(tuple(Axis(a, *ends, n, k) for a, n, k in zip(axes, sizes, kinds, strict=False)), np.linspace(0, 0.1, 2))
    return Problem("p", Equation.parse(rates, list(initial), list(axes)), grid, initial_text=initial, boundary_text=data)


def balance_of(problem: Problem, **options: str) -> tuple[Balance, np.ndarray]:
    mesh = Mesh.of(problem, 0)
    return Balance(FiniteVolume.build(**options), Law.of(problem), mesh, "cpu"), mesh.initial()


def apart(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference over largest magnitude, by field."""
    axes = tuple(range(1, found.ndim))
    return float((np.abs(found - wanted).max(axes) / np.abs(wanted).max(axes)).max())


@needs_compiler
@pytest.mark.parametrize("options", SCHEMES, ids=lambda o: o.get("limiter", o["reconstruction"]))
@pytest.mark.parametrize("name", CASES)
def test_rates_agree(name: str, options: dict[str, str]) -> None:
    """At all stages of a step, and what bounds the step."""
    balance, u = balance_of(problem_of(name, (20, 24)), **options)
    fast = Compiled(balance)
    for moment in (Moment(0.3), Moment(0.3, 0.1, 1), Moment(0.3, 0.1, 2)):
        wanted = balance.rate(torch.as_tensor(u), moment).numpy()
        assert apart(fast.rate(u, moment), wanted) < ROUNDING
        assert fast.limits == pytest.approx(balance.limits, rel=ROUNDING)
        u = u + 0.01 * wanted


@needs_compiler
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sizes", [(9, 31), (33, 14)])  # not for fast transforms, and for them
def test_steps_agree(name: str, sizes: tuple[int, int]) -> None:
    balance, u = balance_of(problem_of(name, sizes))
    slow, fast = stepping.TorchStepper(balance.options, balance, u), stepping.CompiledStepper(balance.options, balance, u)
    time = 0.1
    for _ in range(3):
        h = slow.advance(time, 0.2)
        assert fast.advance(time, 0.2) == pytest.approx(h, rel=ROUNDING)
        assert apart(fast.state, slow.state) < ROUNDING
        time += h


@needs_compiler
@pytest.mark.parametrize("name", ["plane, burgers", "plane, ends", "plane, reaction", "flow that carries"])
@pytest.mark.parametrize("options", SCHEMES[1:3], ids=lambda o: o["reconstruction"])
def test_threads_do_not_change_a_bit(name: str, options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_module, "WORTH", 0)
    balance, u = balance_of(problem_of(name, (21, 16)), **options)
    ends = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        try:
            stepper = stepping.CompiledStepper(balance.options, balance, u)
        finally:
            torch.set_num_threads(1)
        for _ in range(3):
            stepper.advance(0.0, 0.1)
        ends.append(stepper.state.tobytes())
    assert len(set(ends)) == 1


@needs_compiler
@pytest.mark.parametrize("scale", [1e-25, 1e-12, 1e12, 1e25])
@pytest.mark.parametrize("options", SCHEMES[:2], ids=lambda o: o["reconstruction"])
def test_units_do_not_matter(scale: float, options: dict[str, str]) -> None:
    """Weights are products here: they must neither overflow nor vanish."""
    balance, u = balance_of(problem_of("advection", (40, 0)), **options)
    plain, scaled = Compiled(balance).rate(u, Moment(0.0)), Compiled(balance).rate(scale * u, Moment(0.0))
    assert apart(scaled / scale, plain) < 1e-9
    still = np.zeros_like(u)
    assert np.array_equal(Compiled(balance).rate(still, Moment(0.0)), still)


@needs_compiler
@pytest.mark.parametrize(("name", "bound"), [("advection-square", 1e-12), ("burgers-shock", 1e-12), ("sod", 1e-7)])
def test_shipped_problems_run_compiled(name: str, bound: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the end, at open ends but for rounding that grows to the noise they take for data, 1e-8 of the largest."""
    problem = problem_file.read(PROBLEMS / f"{name}.h5")
    run, other = Run(), Run()
    fast = FiniteVolume(cells=50).solve(problem, run)
    monkeypatch.setattr(volume, "available", lambda: False)
    slow = FiniteVolume(cells=50).solve(problem, other)
    assert run.paths == {"finite volumes": "compiled"}
    assert other.paths["finite volumes"].startswith("torch")
    assert fast.cost["steps"] == slow.cost["steps"]
    for field in problem.equation.fields:
        assert np.abs(fast.values[field] - slow.values[field]).max() < bound


@needs_compiler
@pytest.mark.parametrize("rate", ["u**2", "-d_x(u**9)"])
def test_what_does_not_stay_finite_is_told(rate: str) -> None:
    problem = Problem(
        "p", Equation.parse([f"u_t = {rate}"], ["u"], ["x"]), Grid((Axis("x", 0.0, 1.0, 32),), np.array([0.0, 3.0])),
        initial_text={"u": "1e40*(1 + sin(6*x))" if "d_x" in rate else "1 + 0*x"},
    )  # fmt: skip
    with pytest.raises(RunFailed, match="not finite at t=|too small at t="):
        FiniteVolume().solve(problem, Run())


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIML_KERNELS", "torch")
    compile.library.cache_clear(), compile.notice.cache_clear()
    try:
        run = Run()
        FiniteVolume().solve(problem_of("advection", (20, 0)), run)
        assert run.paths == {"finite volumes": "torch: compiled kernels are switched off (SCIML_KERNELS=torch)."}
    finally:
        compile.library.cache_clear(), compile.notice.cache_clear()


def test_the_triton_kernel_in_the_interpreter() -> None:
    """It must be asked for before triton is imported, hence a process of its own."""
    pytest.importorskip("triton")
    file = Path(__file__).parents[1] / "kernels" / "triton_finite_volume.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)], env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
