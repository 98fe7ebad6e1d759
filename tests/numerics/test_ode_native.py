"""The march of a field of formulas in one compiled loop: the plain one's steps, outputs and errors, whatever the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sciml import Equation, RunFailed
from sciml.kernels import ode
from sciml.numerics.ode import Path, Separate, Tolerance, Whole, method_named, native, of_equation, solve_ode
from sciml.numerics.ode.solve import _begin

pytestmark = pytest.mark.skipif(not ode.available(), reason="no C++ compiler")
LORENZ = Equation.parse(
    ["x_t = s*(y - x)", "y_t = x*(r - z) - y", "z_t = x*y - b*z"], ["x", "y", "z"],
    parameters={"s": 10.0, "r": 28.0, "b": 8 / 3},
)  # fmt: skip
EVERYTHING = Equation.parse(
    [
        "u_t = sin(v) - exp(-u**2)*cos(3*t) + tanh(u*v)/(1 + u**2)", "v_t = u", "w_t = 2 + sinh(cos(w))/cosh(sin(v))",
        "q_t = log(2 + sin(q)) - sqrt(1 + v**2) + u**3*v - (1.5 + cos(q))**(-0.5) - 0.1*q + tan(sin(u)/2)",
    ],
    ["u", "v", "w", "q"],
)  # fmt: skip
TIMES = torch.linspace(0.0, 2.0, 9, dtype=torch.float64)


def starts(count: int, fields: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, fields, generator=generator, dtype=torch.float64)


def solved(equation: Equation, y0: torch.Tensor, times: torch.Tensor, method: str, fast: bool, **more: object) -> Path:
    options = {"relative": 1e-6, "absolute": 1e-6, "method": method, "compiled": "yes" if fast else "no"} | more
    path = solve_ode(of_equation(equation), y0, times, **options)  # type: ignore[arg-type]
    assert path.path == ("native" if fast else "plain")
    return path


@pytest.mark.parametrize("method", ["tsit5", "dop853"])
@pytest.mark.parametrize(("equation", "count"), [(LORENZ, 1), (LORENZ, 37), (EVERYTHING, 5), (EVERYTHING, 64)])
def test_steps_and_outputs_are_those_of_the_plain_path(equation: Equation, count: int, method: str) -> None:
    """Outputs inside steps too, several in one, at the start twice, and each sample's own."""
    y0 = starts(count, len(equation.fields))
    shift = torch.linspace(0.5, 1.0, count).double()[:, None]
    times = torch.cat([0 * shift, TIMES * shift, 2 * shift + 0.001 * torch.arange(5).double()], 1)
    plain, fast = (solved(equation, y0, times, method, way) for way in (False, True))
    assert torch.allclose(fast.values, plain.values, rtol=1e-10, atol=1e-10)
    assert torch.equal(fast.values[:, :2], plain.values[:, :2])
    for counted in ("accepted", "rejected", "evaluations"):
        assert torch.equal(getattr(fast, counted), getattr(plain, counted)), counted


@pytest.mark.parametrize(("equation", "method"), [(LORENZ, "tsit5"), (LORENZ, "dop853"), (EVERYTHING, "tsit5")])
def test_a_batch_is_its_members_one_by_one_whoever_goes_with_them(equation: Equation, method: str) -> None:
    """In blocks of 8 and of 32, alone or full, on any thread."""
    y0, threads = starts(70, len(equation.fields)), torch.get_num_threads()
    together = solved(equation, y0, TIMES * 2, method, True)
    assert len(set(together.accepted.tolist())) > 1
    for rows in ([0], [33], [69], list(range(60, 67)), list(range(70))[::-1]):
        some = solved(equation, y0[rows], TIMES * 2, method, True)
        assert torch.equal(some.values, together.values[rows])
        assert torch.equal(some.accepted, together.accepted[rows])
    try:
        torch.set_num_threads(2)
        assert torch.equal(solved(equation, y0, TIMES * 2, method, True).values, together.values)
    finally:
        torch.set_num_threads(threads)


def test_calls_may_end_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    y0, told = starts(40), []
    whole = solved(LORENZ, y0, TIMES * 4, "tsit5", True)
    monkeypatch.setattr(native, "NUMBERS", 1.0)  # 16 attempts a call, the fewest
    pieces = solved(LORENZ, y0, TIMES * 4, "tsit5", True, progress=told.append)
    assert torch.equal(whole.values, pieces.values) and torch.equal(whole.accepted, pieces.accepted)
    assert len(told) > 10 and told == sorted(told) and told[-1] == 1.0


def test_samples_may_differ_in_their_parameters() -> None:
    y0, r = starts(40), torch.linspace(15, 28, 40).double()
    plain, fast = (
        solve_ode(of_equation(LORENZ, {"r": r}), y0, TIMES / 2, compiled=how)  # type: ignore[arg-type]
        for how in ("no", "yes")
    )
    assert fast.path == "native" and torch.allclose(fast.values, plain.values, rtol=1e-10, atol=1e-10)
    assert torch.equal(fast.accepted, plain.accepted)


def test_failures_are_said_as_ever() -> None:
    blow, times = Equation.parse(["u_t = u*u"], ["u"]), torch.tensor([0.0, 2.0]).double()
    with pytest.raises(RunFailed, match=r"step size underflow at t=1: .*; if the field is stiff there, try method"):
        solved(blow, torch.tensor([[1.0], [0.1]]).double(), times, "tsit5", True)
    stiff = Equation.parse(["x_t = y", "y_t = 1000*((1 - x**2)*y) - x"], ["x", "y"])
    with pytest.raises(RunFailed, match=r"500 steps of tsit5 reached t=.* only: the field is stiff there"):
        solved(stiff, torch.tensor([[2.0, 0.0]]).double(), 250 * times, "tsit5", True, most=500)
    for fast in (False, True):  # where the field is no number, no step is good
        with pytest.raises(RunFailed, match=r"^200 steps of tsit5 reached t=0 only; allow more, or a larger tolerance"):
            solved(Equation.parse(["u_t = log(u)"], ["u"]), -torch.ones(3, 1).double(), times, "tsit5", fast, most=200)


def test_other_fields_methods_and_wishes_take_the_torch_path() -> None:
    y0, field = starts(3), of_equation(LORENZ)
    whole = Whole(lambda t, u: field.joined(field(t, field.split(u))))
    now = _begin(method_named("tsit5"), field, Tolerance(), y0, TIMES.expand(3, -1), None)[0]
    assert native.native(method_named("tsit5"), field, Tolerance(), now) is not None
    assert native.native(method_named("rodas4"), field, Tolerance(), now) is None
    for given, options in ((whole, {}), (field, {"keep_steps": True})):
        path = solve_ode(given, y0, TIMES / 80, relative=1e-3, absolute=1e-3, compiled="auto", **options)  # type: ignore[arg-type]
        assert path.path == "plain"


def test_a_function_is_read_as_formulas() -> None:
    two = torch.tensor(2.0, dtype=torch.float64)

    def function(t: torch.Tensor, u: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        a, b, c = u
        one = torch.sin(a * b) / (1 + c**2) - b.exp().reciprocal() + torch.cos(3 * t) - torch.square(a) * a
        other = 1 / (3 + torch.tanh(a)) - two * b + (two - c) / (2 + torch.pow(a, 2)) - torch.sub(b, a) + -c * t
        return one, other, torch.sqrt(1 + a.square()) ** -1 - (4 + b.cos()) ** 0.5 * c + 1.5 - torch.log(two * 3 + t)

    plain, fast = (
        solve_ode(Separate(function), starts(40), TIMES / 2, relative=1e-8, absolute=1e-8, compiled=how)  # type: ignore[arg-type]
        for how in ("no", "yes")
    )
    assert (plain.path, fast.path) == ("plain", "native")
    assert torch.allclose(fast.values, plain.values, rtol=1e-10, atol=1e-10)
    assert torch.equal(fast.accepted, plain.accepted)


def test_what_is_no_formula_is_not_read() -> None:
    y0 = starts(4, 2).abs()
    generator, each = torch.Generator().manual_seed(0), torch.arange(4.0).double()
    calls = [0]

    def remembering(t: torch.Tensor, u: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        calls[0] += 1
        return u[1], -calls[0] * u[0]

    fields = {
        "decides": lambda t, u: (u[1], -u[0] if u[0].max() > 0 else u[0]),
        "chooses": lambda t, u: (u[1], torch.where(u[0] > 0, -u[0], u[0])),
        "numbers of samples": lambda t, u: (u[1], -each * u[0]),
        "rolls dice": lambda t, u: (u[1], -u[0] + float(torch.rand((), generator=generator))),
        "remembers": remembering,
        "other operations": lambda t, u: (u[1], -torch.atan(u[0])),
        "powers": lambda t, u: (u[1], -(u[0].abs() ** u[1])),
        "sums over the batch": lambda t, u: (u[1], -u[0].mean() + 0 * u[0]),
        "single precision": lambda t, u: (u[1], u[0] * torch.tensor(-0.1)),
    }
    for name, function in fields.items():
        path = solve_ode(Separate(function), y0, TIMES / 80, relative=1e-3, absolute=1e-3, compiled="auto")
        assert path.path == "plain", name


def test_exponentials_and_logarithms_are_exact_to_the_last_digits() -> None:
    """By the one place where they count: a step's factor, 0.9·error^(-0.14)·previous^0.08, at a hundred thousand errors."""
    y0 = torch.logspace(-6, 3, 20_000, dtype=torch.float64)[:, None]
    equation = Equation.parse(["u_t = -u"], ["u"])
    plain, fast = (
        solved(equation, y0, torch.tensor([0.0, 0.5]).double(), "tsit5", way, relative=1e-10, absolute=1e-10, most=10**6)
        for way in (False, True)
    )
    assert torch.equal(fast.accepted, plain.accepted)
    assert np.abs(fast.values.numpy() / plain.values.numpy() - 1).max() < 1e-13
