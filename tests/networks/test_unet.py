"""The U-Net: published sizes, periodicity, zero start, conditioning, and its formulation by rows."""

from __future__ import annotations

import pytest
import torch

from sciml.networks.rows import rows_of
from sciml.networks.unet import UNet, waves, wrapped

PUBLISHED = (1, 2, 2, 4)


def shaken(network: UNet) -> UNet:
    """Weights away from their zeros, the same at every run."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return network


def inputs(dim: int, batch: int = 3, size: int = 32) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(batch, 2, *[size] * dim, generator=generator, dtype=torch.float64)
    return x, torch.tensor([0.0, 333.0, 1000.0], dtype=torch.float64)[:batch], torch.ones(batch, 2, dtype=torch.float64)


@pytest.mark.parametrize(
    ("dim", "width", "multipliers", "blocks", "count"),
    [
        (1, 64, PUBLISHED, 2, 53_924_225),
        (1, 32, PUBLISHED, 2, 13_499_585),
        (1, 16, PUBLISHED, 2, 3_384_161),
        (1, 32, (1, 2, 2), 1, 841_953),
        (1, 16, (1, 2, 2), 1, 212_593),
        (2, 64, PUBLISHED, 2, 146_675_201),
    ],
)
def test_parameter_counts(dim: int, width: int, multipliers: tuple[int, ...], blocks: int, count: int) -> None:
    """53.92 M, 13.50 M and 3.38 M are the published sizes (state and candidate in, two parameters)."""
    with torch.device("meta"):
        network = UNet(dim, 2, 1, width=width, multipliers=multipliers, blocks=blocks)
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("dim", [1, 2])
def test_circular_padding_commutes_with_shifts_and_zeros_do_not(dim: int) -> None:
    x, level, told = inputs(dim, size=16)
    for padding, commutes in (("circular", True), ("zeros", False)):
        network = shaken(UNet(dim, 2, 1, width=8, multipliers=(1, 2), blocks=1, padding=padding).double())
        moved, after = network(x.roll(4, -1), level, told), network(x, level, told).roll(4, -1)
        assert (float((moved - after).detach().abs().max()) < 1e-12) is commutes


@pytest.mark.parametrize("dim", [1, 2])
def test_answers_zero_before_training(dim: int) -> None:
    x, level, told = inputs(dim, size=16)
    network = UNet(dim, 2, 3, width=8, multipliers=(1, 2), blocks=1).double()
    answer = network(x, level, told)
    assert answer.shape == (3, 3, *[16] * dim)
    assert not answer.any()


def test_level_and_parameters_reach_the_answer() -> None:
    x, level, told = inputs(1)
    network = shaken(UNet(1, 2, 1, width=8, multipliers=(1, 2), blocks=1).double())
    plain = network(x, level, told)
    assert float((network(x, level + 1, told) - plain).detach().abs().min(0).values.max()) > 1e-6
    assert float((network(x, level, told + 1) - plain).detach().abs().min(0).values.max()) > 1e-6


@pytest.mark.parametrize("padding", ["circular", "zeros"])
@pytest.mark.parametrize(("multipliers", "blocks"), [((1,), 1), ((1, 2, 2), 1), ((2, 2), 2)])
def test_rows_give_the_same_numbers_and_gradients(padding: str, multipliers: tuple[int, ...], blocks: int) -> None:
    x, level, told = inputs(1)
    network = shaken(UNet(1, 2, 1, width=8, multipliers=multipliers, blocks=blocks, padding=padding).double())
    answers, gradients = [], []
    for forward in (network, rows_of(network)):
        answer = forward(x, level, told)
        network.zero_grad()
        answer.square().sum().backward()
        answers.append(answer.detach())
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]))
    assert torch.allclose(*answers, rtol=1e-12, atol=1e-12)
    assert torch.allclose(*gradients, rtol=1e-9, atol=1e-9 * float(gradients[0].abs().max()))


def test_rows_of_another_network_is_that_network() -> None:
    network = UNet(2, 1, 1, width=8, multipliers=(1,), blocks=1)
    assert rows_of(network) is network


def test_wrapping_and_waves() -> None:
    assert wrapped(torch.arange(3.0)[None, None], 1).tolist() == [[[2.0, 0.0, 1.0, 2.0, 0.0]]]
    row = waves(torch.tensor([2.0], dtype=torch.float64), 4)[0]
    slow = 2.0 / 10_000.0**0.5
    expected = torch.tensor([2.0, slow], dtype=torch.float64)
    assert torch.allclose(row, torch.cat([expected.cos(), expected.sin()]), rtol=1e-6)


def test_what_it_cannot_be() -> None:
    with pytest.raises(ValueError, match="one or two axes"):
        UNet(3, 1, 1)
    with pytest.raises(ValueError, match="multiple of 8"):
        UNet(1, 1, 1, width=12)
