"""neural-ode: series with jumps, orders of magnitude, noise, and few outputs."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sciml_neural_ode.jumps import Jumps, classical_step, jumps_of, rates_with_jumps
from sciml_neural_ode.rates import smoothed
from sciml_neural_ode.setting import setting_of
from sciml_neural_ode.solver import NeuralOde

from sciml import Run
from sciml.dataset import Dataset, make
from sciml.errors import UsageError

sys.path.insert(0, str(Path(__file__).parents[1]))
from tiny_dynamics import family, stochastic

SMALL: dict[str, Any] = {"horizon": 5, "width": 8, "layers": 1, "tolerance": 1e-4}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    root = tmp_path_factory.mktemp("data")
    split = {"count": 4, "end": 4.0, "times": 41}
    chosen = family(splits={n: {"seed": i, **split} for i, n in enumerate(("train", "valid", "test"))})
    return {name: make(chosen, name, root) for name in ("train", "valid")}


def saw() -> tuple[torch.Tensor, torch.Tensor]:
    """Two fields that fall by 0.01 and rise by 0.02 an interval of 0.5, but for a jump after output 7."""
    steps = torch.tensor([-0.01, 0.02], dtype=torch.float64).repeat(15, 1)
    steps[7] = torch.tensor([3.0, -1.0])
    return torch.cat([torch.zeros(1, 2, dtype=torch.float64), steps.cumsum(0)])[None], torch.arange(16) * 0.5


def test_rates_beside_a_jump_are_those_of_the_side_where_the_state_goes() -> None:
    values, times = saw()
    found = rates_with_jumps(values, times.double())[0]
    slow, fast = torch.tensor([-0.02, 0.04], dtype=torch.float64), torch.tensor([6.0, -2.0], dtype=torch.float64)
    assert torch.allclose(found[7], fast)
    assert torch.allclose(found[torch.arange(16) != 7], slow.expand(15, 2))
    assert jumps_of(values).nonzero().tolist() == [[0, 7]]


def test_smooth_series_have_the_same_rates_as_ever_and_no_jumps() -> None:
    from sciml_neural_ode.rates import rates_of

    times = torch.linspace(0, 1, 41, dtype=torch.float64)
    values = torch.stack([torch.sin(3 * times), torch.exp(times)], 1)[None]
    assert torch.equal(rates_with_jumps(values, times)[:, 2:-2], rates_of(values, times)[:, 2:-2])
    assert not jumps_of(values).any()


def test_the_way_of_a_jump_ends_at_the_next_output() -> None:
    values, times = saw()
    rates = torch.zeros_like(values)
    jumps = Jumps(values, rates, times.double(), values[:, 0, :0])
    assert jumps.where.tolist() == [[0, 7]]
    member, index = jumps.where.T
    here, there = values[0, 7:8], values[0, 8:9]
    state, rate = jumps.on_the_way(member, index, torch.tensor([0.25], dtype=torch.float64))
    assert torch.allclose(state, here + 0.25 * (there - here)) and torch.allclose(rate, 7.5 * (there - here))
    assert torch.allclose(rates[0, 7:8], 10 * (there - here))
    moving = here
    for _ in range(200):  # what moves at these rates is there after an interval, but for e^-5
        moving = classical_step(lambda t, y: 5 * (there - y) / 0.5, torch.zeros(1), moving, 0.5 / 200)
    left = torch.exp(torch.tensor(-5.0, dtype=torch.float64))
    assert torch.allclose(moving, there + left * (here - there), rtol=1e-8)


def test_local_polynomials_take_noise_away_and_keep_quartics() -> None:
    times = torch.linspace(0, 2, 201, dtype=torch.float64)
    values = (times**4 - times**2)[None, :, None]
    kept, rates = smoothed(values, times, 7)
    assert torch.allclose(kept, values, atol=1e-11) and torch.allclose(rates[0, :, 0], 4 * times**3 - 2 * times, atol=1e-9)
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 201, 1)))
    assert float(smoothed(noise, times, 7)[0].std()) < 0.6 * float(noise.std())


def test_soft_units_are_turned_back_and_rates_span_orders(data: dict[str, Dataset]) -> None:
    setting = setting_of(data["train"], 5, "asinh")
    values = np.array([[1e-6, -3.0], [50.0, 0.0]])
    assert np.allclose(setting.unscaled(setting.scaled(values)), values, rtol=1e-9, atol=1e-12)
    task = NeuralOde.build(**SMALL, scaling="asinh").task(data["train"], data["valid"], Run())
    final = task.network.field[-1]
    y = torch.zeros(1, 2, dtype=torch.float64)
    with torch.no_grad():
        final.weight.zero_()
        sizes = []
        for said in (1e-4, 1.0, 1e4):
            final.bias.fill_(said)
            sizes.append(task.network.moving(y[:, :0]).rate(y[:, 0], y)[0].numpy())
    assert np.allclose(sizes[0], np.array(setting.speeds) * 1e-4, rtol=1e-6)
    assert np.allclose(sizes[2], np.array(setting.speeds) * np.sinh(setting.ceilings), rtol=1e-6)


@pytest.mark.parametrize("warm", [0.0, 0.9])
@pytest.mark.parametrize(
    "options", [{"scaling": "asinh"}, {"scaling": "asinh", "regularisation": "local-stiffness"},
                {"stride": 4}, {"smooth": 4, "piece": 20}], ids=lambda o: "-".join(str(v) for v in o.values()),
)  # fmt: skip
def test_losses_and_gradients_are_finite(data: dict[str, Dataset], options: dict[str, Any], warm: float) -> None:
    task = NeuralOde.build(**SMALL, **options, warm=warm).task(data["train"], data["valid"], Run())
    loss = task.loss(task.batch(np.random.default_rng(0), 4))
    loss.backward()
    assert bool(torch.isfinite(loss))
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in task.network.parameters())


def test_pieces_are_cut_from_members_and_strides_thin_the_training_series(data: dict[str, Dataset]) -> None:
    task = NeuralOde.build(**SMALL, stride=4, piece=20).task(data["train"], data["valid"], Run())
    assert task.values.shape == (4, 11, 2) and task.pieces.values.shape == (8, 20, 2)
    assert task.pieces.times.shape == (8, 20) and float(task.times[1]) == pytest.approx(0.4)
    begins = np.array([data["valid"].values[n][0, 20] for n in ("p", "q")])
    assert torch.allclose(task.pieces.start[1], task.setting.scaled(begins))
    with pytest.raises(UsageError, match="validation series of 41 outputs hold no piece of 50"):
        NeuralOde.build(**SMALL, piece=50).task(data["train"], data["valid"], Run())


def test_a_field_that_rests_half_of_the_time_has_no_typical_size(data: dict[str, Dataset]) -> None:
    resting = copy.copy(data["train"])
    resting.values = {"p": data["train"].values["p"], "q": np.zeros((4, 41))}
    with pytest.raises(UsageError, match="'q' is 0 half of the time; take scaling=linear"):
        setting_of(resting, 5, "asinh")


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"scaling": "asinh", "latent": 2}, "take latent=0"), ({"smooth": 2}, "take smooth=3 or more")],
)
def test_contradictions_are_refused(options: dict[str, Any], reason: str) -> None:
    (found,) = NeuralOde.build(**options).refuses(family().draw("train", 0))
    assert reason in found


def test_stochastic_families_refuse_what_is_of_others() -> None:
    assert "not of stochastic equations" in NeuralOde.build(stride=2).refuses(stochastic().draw("train", 0))[0]
