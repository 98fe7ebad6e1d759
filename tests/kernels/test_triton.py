"""Every Triton kernel computes what its torch reference computes: on a CUDA device where there is one, and in Triton's
interpreter on the CPU (`test_interpreter.py` runs this file so, in a process of its own)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

pytest.importorskip("triton")

from sciml import Equation
from sciml.kernels import dispatch, registry
from sciml.kernels.fused import derivative, etd_enter, etd_scheme, jets, logsumexp, modes, pointwise, rollout, transfer

DEVICES = ["cpu"] if dispatch.interpreted() else ["cuda"] if torch.cuda.is_available() else []
if not DEVICES:
    pytest.skip("no CUDA device; test_interpreter.py runs this file in the interpreter", allow_module_level=True)

KERNELS = registry.kernels()
CASES = [pytest.param(kernel, case, id=f"{name}: {case}") for name, kernel in KERNELS.items() for case in kernel.cases]
GRADIENTS = [p for p in CASES if p.values[0].gradient]
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _poisoned() -> Iterator[None]:
    with dispatch.poisoned():
        yield


def parts(result: Any) -> tuple[torch.Tensor, ...]:
    return result if isinstance(result, tuple) else (result,)


def far(found: Any, expected: Any) -> float:
    """Largest max |difference| over max |expected|; NaN counts as infinitely far."""
    worst = 0.0
    for one, other in zip(parts(found), parts(expected), strict=True):
        assert one.shape == other.shape
        wide = torch.complex128 if other.is_complex() else torch.float64
        apart = (one.to(wide) - other.to(wide)).abs().max() / other.to(wide).abs().max().clamp_min(1e-300)
        worst = max(worst, float(apart.nan_to_num(torch.inf)))
    return worst


@pytest.mark.parametrize(("kernel", "case"), CASES)
def test_parity(kernel: registry.Kernel, case: str, device: str) -> None:
    """With the reference in both dtypes, and of float32 with float64 on the same numbers."""
    results = {}
    for name, dtype in DTYPES.items():
        arguments = kernel.make(kernel.cases[case], dtype, device, 0)
        results[name] = kernel.triton(*arguments)
        assert all(r.device.type == device for r in parts(results[name]))
        assert {dispatch.REAL[r.dtype] for r in parts(results[name])} == {dtype}
        expected = kernel.reference(*arguments)
        assert all(bool(torch.isfinite(torch.view_as_real(e) if e.is_complex() else e).all()) for e in parts(expected))
        assert far(results[name], expected) <= kernel.tolerance[name]
    assert far(results["float32"], expected) <= kernel.tolerance["float32"]


@pytest.mark.parametrize("name", KERNELS)
def test_the_public_function_takes_triton_and_says_so(name: str, device: str) -> None:
    kernel, told = KERNELS[name], dict[str, str]()
    arguments = kernel.make(list(kernel.cases.values())[-1], torch.float64, device, 1)
    with dispatch.recording(told.__setitem__):
        found = kernel.call(*arguments)
    assert list(told.values()) == ["triton, interpreted" if dispatch.interpreted() else "triton"]
    assert kernel.name.startswith(next(iter(told)))
    assert far(found, kernel.reference(*arguments)) <= kernel.tolerance["float64"]


@pytest.mark.parametrize(("kernel", "case"), GRADIENTS)
def test_gradients_are_those_of_the_reference(kernel: registry.Kernel, case: str, device: str) -> None:
    for name, dtype in DTYPES.items():
        arguments = kernel.make(kernel.cases[case], dtype, device, 2)
        wanted = [arguments[i].requires_grad_() for i in kernel.gradient]
        both = []
        for path in (kernel.call, kernel.reference):
            out = path(*arguments)
            along = torch.randn(out.shape, dtype=torch.float32, generator=torch.Generator().manual_seed(3))
            both.append(torch.autograd.grad(out, wanted, along.to(device, out.dtype)))
        assert far(*both) <= 4 * kernel.tolerance[name]  # each sums one more time


@pytest.mark.parametrize("name", [name for name, kernel in KERNELS.items() if kernel.gradient])
def test_gradcheck(name: str, device: str) -> None:
    kernel = KERNELS[name]
    sizes = {case: sum(a.numel() for a in kernel.make(spec, torch.float64, device, 4) if isinstance(a, torch.Tensor))
             for case, spec in kernel.cases.items()}  # fmt: skip
    smallest = sorted(sizes, key=sizes.__getitem__)[1]  # the very smallest is a single number
    arguments = list(kernel.make(kernel.cases[smallest], torch.float64, device, 4))

    def of(*wanted: torch.Tensor) -> torch.Tensor:
        given = arguments.copy()
        for place, value in zip(kernel.gradient, wanted, strict=True):
            given[place] = value
        result: torch.Tensor = kernel.call(*given)
        return result

    assert torch.autograd.gradcheck(of, [arguments[i].requires_grad_() for i in kernel.gradient], fast_mode=True)


def test_views_are_read_as_what_they_show(device: str) -> None:
    x = torch.randn(6, 3, 4, dtype=torch.complex128, device=device)
    w = torch.randn(4, 2, 3, dtype=torch.complex128, device=device).conj()
    assert far(modes.multiply_modes(x.transpose(1, 2), w), modes.modes_reference(x.transpose(1, 2), w)) < 1e-14
    u = torch.randn(9, 14, dtype=torch.float64, device=device).T
    assert far(derivative.derivative(u, 0, 1, 2, 0.5), derivative.derivative_reference(u, 0, 1, 2, 0.5)) < 1e-14


@pytest.mark.filterwarnings("ignore:divide by zero encountered in log")  # of no mass at all: -inf is meant
def test_points_without_weight_and_far_costs(device: str) -> None:
    """-inf potentials (no mass) first, and costs whose exponentials underflow."""
    x, y, f, g, eps, cost = logsumexp._made((1, 5, 150, 2, "squared euclidean"), torch.float64, device, 0)
    g[:, :100] = -torch.inf
    given = (x * 100, y, f, g, eps * 1e-3, cost)
    found = logsumexp.gibbs(*given)
    assert torch.isfinite(found).all()
    assert far(found, logsumexp.gibbs_reference(*given)) < 1e-14
    assert (logsumexp.gibbs(x, y, f, torch.full_like(g, -torch.inf), eps) == -torch.inf).all()


def test_refusals_are_recorded_and_answered_by_torch(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, str] = {}
    u = torch.randn(12, dtype=torch.float64, device=device, requires_grad=True)
    with dispatch.recording(told.__setitem__):
        derivative.derivative(u, 0, 1, 2, 1.0).sum().backward()
        assert told.pop("derivative") == "torch: the kernel has no gradient"
        with torch.no_grad():
            derivative.derivative(u, 0, 1, 2, 1.0)
        assert told.pop("derivative").startswith("triton")
        jets.tanh_jet(torch.randn(3, 4, device=device).bfloat16())
        assert told.pop("tanh jet") == "torch: no kernel for bfloat16"
        derivative.derivative(u.detach(), 0, 1, 2, 1.0, "neumann", torch.zeros(2, device=device, dtype=torch.float32))
        assert told.pop("derivative") == "torch: tensors of different precision"
        jets.tanh_jet(torch.randn(7, 4, device=device))
        assert told.pop("tanh jet") == "torch: order above 4"
        transfer.correct(torch.zeros(65536, 1, 1, device=device), torch.zeros(65536, 0, 0, device=device))
        assert told.pop("prolongation") == "torch: a batch of more than 65535"
        monkeypatch.setenv("SCIML_KERNELS", "torch")
        jets.tanh_jet(torch.randn(3, 4, device=device))
        assert told.pop("tanh jet") == "torch: switched off by SCIML_KERNELS"
    assert u.grad is not None


def test_of_two_recorders_each_is_told(device: str) -> None:
    outer: dict[str, str] = {}
    inner: dict[str, str] = {}
    with dispatch.recording(outer.__setitem__):
        with dispatch.recording(inner.__setitem__):
            jets.tanh_jet(torch.randn(2, 3, device=device))
        assert inner == outer
        inner.clear()
        jets.tanh_jet(torch.randn(2, 3, device=device))
    assert not inner


def test_an_equation_as_it_is_parsed(device: str) -> None:
    """The program of a real equation, compiled from its text by the package's own parser."""
    equation = Equation.parse(["u_t = sin(u)*tanh(u_x) + x*u**2/(3 + u**2) + exp(-t)"], ["u"], ["x"])
    form = equation.semilinear
    program = pointwise.Program.compile(form.products, len(form.atoms), ("x",))
    atoms = torch.randn(3, len(form.atoms), 50, dtype=torch.float64, device=device)
    given = (program, atoms, [torch.linspace(0, 1, 50, dtype=torch.float64, device=device)], atoms[:, 0, 0])
    assert far(pointwise.apply(*given), pointwise.apply_reference(*given)) < 1e-14


def test_too_many_points_for_a_rollout(device: str) -> None:
    told: dict[str, str] = {}
    arguments = rollout._made(("square", 4, rollout.MOST + 2, 1, 1, 1), torch.float64, device, 0)
    with dispatch.recording(told.__setitem__):
        rollout.rollout(*arguments)
    assert told == {"line rollout": "torch: more than 512 points"}


def test_nothing_is_left_unwritten_beside_the_modes(device: str) -> None:
    """Zeros of the padding are written by the kernel: nothing else does."""
    layout, table, symbols, u, n_u, *_ = etd_scheme.made(etd_scheme.CASES["box"], torch.float64, device, 0)
    (spectra,) = etd_enter.enter_triton("a", layout, table, (u, n_u), symbols)
    kept = torch.zeros(layout.length, dtype=torch.bool, device=device)
    kept[layout.places(kept.device)] = True
    assert (spectra.flatten(2)[..., ~kept] == 0).all()


SYSTEMS = {  # statements, fields, modes, tables side by side
    "ks": (["u_t = -u*u_x - u_xx - 0.05*u_xxxx"], ["u"], (9,), 1),
    "coupled": (["u_t = v_x - u*v_x + 0.1*u_xx", "v_t = u - 3*v + u**2*v - v_xxx + cos(x)*exp(-t)"], ["u", "v"], (7,), 2),
    "plane": (["w_t = 0.1*laplacian(w) + d_x(inverse_laplacian(w))*w_y - w*w_x + t"], ["w"], (3, 4), 1),
    "box": (["u_t = laplacian(u) + u - u**3 + v*u_z", "v_t = v_xx + u*v"], ["u", "v"], (2, 1, 3), 2),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_whole_steps_are_those_of_etdrk4(name: str, device: str) -> None:
    """Between the FFTs all is Triton's: N(û, t) of `PseudoSpectral` with the coupling, and `Etdrk4.advance`."""
    from sciml.numerics import fused
    from sciml.numerics.exponential import Etdrk4
    from sciml.numerics.fourier import FourierBasis
    from sciml.numerics.pseudospectral import PseudoSpectral

    statements, fields, kept, tables = SYSTEMS[name]
    axes, dim = ("x", "y", "z")[: len(kept)], len(kept)
    basis = FourierBasis(axes, (-0.4,) * dim, (3.0,) * dim, kept, device=device)
    system = PseudoSpectral(Equation.parse(statements, fields, list(axes)), basis)
    generator = torch.Generator().manual_seed(0)
    smooth = 1 / (1 + sum(k**2 for k in basis.wavenumbers.values()))  # type: ignore[operator]
    u = torch.randn(len(fields), *basis.shape, dtype=torch.complex128, generator=generator).to(device) * smooth
    u = basis.from_grid(basis.to_grid(u, system.shape))  # of a real field

    def nonlinear(state: torch.Tensor, t: Any) -> torch.Tensor:
        equation = "gf...,f...->g..." if state.dim() == dim + 1 else "gf...,bf...->bg..."
        return system.nonlinear(state, t) + torch.einsum(equation, system.coupling, state)

    made, told = fused.Fused(system), dict[str, str]()
    assert fused.suits(system)
    one, table = Etdrk4.build(system.diagonal, 0.01), fused.Table.pack(Etdrk4.build(system.diagonal, 0.01))
    if tables == 2:
        half = Etdrk4.build(system.diagonal, 0.005)
        one, table = one.beside(half), table.beside(fused.Table.pack(half))
    with dispatch.recording(told.__setitem__):
        assert far(made.nonlinear(u, 0.3), nonlinear(u, 0.3)) < 1e-13
        found = made.advance(table, u, 0.3)
    assert all(path.startswith("triton") for path in told.values()) and len(told) == 3
    assert far(found, one.advance(u, 0.3, nonlinear, nonlinear(u, 0.3))) < 1e-13
    batch = torch.stack([u, 2 * u])
    times = torch.tensor([0.1, 0.2], dtype=torch.float64, device=device)
    assert far(made.nonlinear(batch, times), nonlinear(batch, times)) < 1e-13


def test_the_solver_marches_by_triton_and_says_so(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from sciml_classical import stepper
    from sciml_classical.solver import Etdrk4 as Solver

    from sciml import Axis, Grid, Problem, Run

    equation = Equation.parse(["u_t = -u*u_x + 0.3*u_xx"], ["u"], ["x"])
    times = torch.linspace(0, 0.2, 3, dtype=torch.float64).numpy()
    problem = Problem("burgers", equation, Grid((Axis("x", 0.0, 6.283185307179586, 16),), times), initial_text={"u": "sin(x)"})
    solver = Solver.build(modes=8, max_modes=8, step=0.1)
    monkeypatch.setattr(stepper.spectral, "available", lambda dim: False)
    run, usual = Run(device=device), Run()
    found = solver.solve(problem, run).values["u"]
    assert set(run.paths) == {"exponential step", "etd enter", "pointwise", "etd leave"}
    assert all(path.startswith("triton") for path in run.paths.values())
    monkeypatch.setattr(stepper, "on_card", lambda system: None)
    expected = solver.solve(problem, usual).values["u"]
    assert usual.paths["exponential step"].startswith("numpy")
    assert abs(found - expected).max() < 1e-13
