"""Gradients of solved initial value problems: against finite differences, and against each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sciml import UsageError
from sciml.numerics.ode import Field, Separate, Whole, solve_ode
from sciml.numerics.ode.gradients import solve_measured, solve_with_gradients

TIMES = torch.tensor([0.0, 0.4, 1.0, 1.5], dtype=torch.float64)
WEIGHTS = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
Y0 = torch.tensor([[1.0, 0.3], [-0.5, 2.0], [0.1, 0.0]], dtype=torch.float64)


def network() -> tuple[nn.Module, Field]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)).double()
    return net, Whole(lambda t, y: 2 * net(torch.cat([y, t[:, None]], 1)))


def gradient(kind: str, method: str = "tsit5", times: Tensor = TIMES, tolerance: float = 1e-9) -> list[Tensor]:
    net, field = network()
    y0 = Y0.clone().requires_grad_()
    parameters = list(net.parameters())
    values, _ = solve_with_gradients(
        field, y0, times, gradients=kind, parameters=parameters, method=method, relative=tolerance,  # type: ignore[arg-type]
        absolute=tolerance,
    )  # fmt: skip
    return list(torch.autograd.grad((values * WEIGHTS).sum(), [y0, *parameters]))


def close(a: list[Tensor], b: list[Tensor], tolerance: float) -> bool:
    return all(bool((x - y).abs().max() <= tolerance * (1 + y.abs().max())) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("method", ["tsit5", "dop853", "rodas4"])
def test_discrete_gradients_are_those_of_finite_differences(method: str) -> None:
    tolerance = 1e-9 if method != "rodas4" else 1e-7
    net, field = network()
    found = gradient("discrete", method, tolerance=tolerance)

    def loss(y0: Tensor) -> float:
        values, _ = solve_with_gradients(field, y0, TIMES, method=method, relative=tolerance, absolute=tolerance)
        return float((values * WEIGHTS).sum().detach())

    def difference(change: Callable[[float], Tensor]) -> float:
        high, low = loss(change(1e-4)), loss(change(-1e-4))
        return (high - low) / 2e-4

    def moved(step: float) -> Tensor:
        y = Y0.clone()
        y[1, 0] += step
        return y

    def weighted(step: float) -> Tensor:
        with torch.no_grad():
            net[0].weight[3, 1] += step - weighted.last  # type: ignore[operator, index, attr-defined]
        weighted.last = step  # type: ignore[attr-defined]
        return Y0

    weighted.last = 0.0  # type: ignore[attr-defined]
    assert abs(difference(moved) - float(found[0][1, 0])) < 3e3 * tolerance
    assert abs(difference(weighted) - float(found[1][3, 1])) < 3e3 * tolerance


def test_checkpointing_changes_nothing() -> None:
    plain, again = gradient("discrete"), gradient("checkpointed")
    assert all(torch.equal(a, b) for a, b in zip(plain, again, strict=True))


@pytest.mark.parametrize("method", ["tsit5", "dop853"])
def test_the_adjoint_agrees_with_the_discrete_gradient_to_the_tolerance(method: str) -> None:
    exact = gradient("discrete", method, tolerance=1e-12)
    loose, tight = (gradient("adjoint", method, tolerance=tolerance) for tolerance in (1e-5, 1e-9))
    assert close(tight, exact, 1e-7)
    assert not close(loose, exact, 1e-8)  # it is an approximation, whose error the tolerance rules
    assert close(loose, exact, 1e-3)


def test_each_sample_has_its_own_output_times_in_every_kind() -> None:
    times = torch.stack([TIMES, TIMES * 0.7, TIMES.clamp(max=1.0)])
    discrete = gradient("discrete", times=times)
    assert close(gradient("adjoint", times=times), discrete, 1e-6)
    assert close(gradient("checkpointed", times=times), discrete, 0.0)


def test_replayed_values_are_those_of_the_path() -> None:
    _, field = network()
    values, _ = solve_with_gradients(field, Y0, TIMES, relative=1e-7, absolute=1e-7)
    path = solve_ode(field, Y0, TIMES, relative=1e-7, absolute=1e-7)
    assert torch.allclose(values, path.values, rtol=0, atol=1e-14)
    separate = Separate(lambda t, u: (u[1], -u[0] ** 3 + 0 * t))
    values, _ = solve_with_gradients(separate, Y0, TIMES, method="dop853")
    path = solve_ode(separate, Y0, TIMES, method="dop853")
    assert torch.allclose(values, path.values, rtol=0, atol=1e-14)


def test_measured_steps_have_errors_within_the_tolerance_and_stiffness() -> None:
    rates = torch.tensor([3.0, 40.0, 7.0], dtype=torch.float64)
    field = Whole(lambda t, y: -rates[:, None] * y)
    _, errors, stiffness, path = solve_measured(field, Y0, TIMES, relative=1e-5, absolute=1e-5)
    assert path.steps is not None
    there = path.steps.there()
    assert bool((errors / path.steps.h <= 1)[there].all()) and bool((errors[~there] == 0).all())
    estimate = stiffness[0] * 3.5068
    assert torch.allclose(estimate, rates, rtol=1e-6)


def test_an_unknown_kind_is_refused() -> None:
    _, field = network()
    with pytest.raises(UsageError, match="discrete, checkpointed or adjoint"):
        solve_with_gradients(field, Y0, TIMES, gradients="magic")  # type: ignore[arg-type]
