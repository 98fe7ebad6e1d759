"""The Fourier neural operator: sizes as published, and what holds for any weights."""

import pytest
import torch

from sciml.errors import UsageError
from sciml.networks.fno import FNO, SpectralConvolution


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_sizes_as_published():
    assert count(FNO(2, modes=12, width=32, layers=4)) == 2_368_001
    assert count(FNO(1, modes=16, width=64, layers=4)) == 549_569


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_spectral_convolution_multiplies_single_modes(dim):
    torch.manual_seed(0)
    n, m, width = 12, 4, 2
    layer = SpectralConvolution(width, [m] * dim).double()
    k = (-2, 3, 1)[3 - dim :]  # the last entry is a wavenumber k >= 0
    x = torch.meshgrid(*[torch.arange(n, dtype=torch.float64) / n] * dim, indexing="ij")
    phase = 2 * torch.pi * sum(a * b for a, b in zip(k, x, strict=True))
    amplitude = torch.tensor([1.0 - 0.5j, 0.3 + 2.0j], dtype=torch.complex128)
    v = (amplitude.reshape(-1, *[1] * dim) * torch.exp(1j * phase)).real[None]
    weights = torch.view_as_complex(layer.weights)
    block = int("0" + "".join("1" if a < 0 else "0" for a in k[:-1]), 2)
    index = tuple(a if a >= 0 else m + a for a in k)
    expected = ((amplitude @ weights[(block, *index)]).reshape(-1, *[1] * dim) * torch.exp(1j * phase)).real
    assert torch.allclose(layer(v)[0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dim", [1, 2])
def test_shifts_commute_on_periodic_axes(dim):
    torch.manual_seed(0)
    net = FNO(dim, modes=3, width=4, layers=2, coordinates=False, periodic=True).double()
    u, axes = torch.randn(2, 1, *[10] * dim, dtype=torch.float64), tuple(range(2, 2 + dim))
    shifts = (3, 4)[:dim]
    assert torch.allclose(net(u).roll(shifts, axes), net(u.roll(shifts, axes)), rtol=0, atol=1e-12)
    assert (net(u) - net(u.roll(shifts, axes))).abs().max() > 1e-3


def test_the_same_weights_work_on_another_grid():
    torch.manual_seed(0)
    net = FNO(1, modes=4, width=8, layers=3, coordinates=False, periodic=True).double()

    def answer(n):
        x = torch.arange(n, dtype=torch.float64) / n
        return net(torch.sin(2 * torch.pi * x)[None, None])[0, 0]

    assert torch.allclose(answer(256)[::2], answer(128), rtol=0, atol=1e-6)


def test_an_axis_with_ends_does_not_wrap_around():
    torch.manual_seed(0)
    u = torch.randn(1, 1, 20, dtype=torch.float64)
    wraps, ends = (FNO(1, modes=4, width=4, layers=1, periodic=p).double() for p in (True, False))
    ends.load_state_dict(wraps.state_dict())
    assert ends(u).shape == wraps(u).shape == (1, 1, 20)
    assert (ends(u) - wraps(u)).abs().max() > 1e-6


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    net = FNO(2, inputs=3, outputs=2, modes=(3, 2), width=4, layers=2)
    net(torch.randn(2, 3, 9, 8)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in net.parameters())


def test_refusals():
    with pytest.raises(UsageError, match="at least 24 points"):
        FNO(2, modes=12)(torch.zeros(1, 1, 64, 16))
    with pytest.raises(UsageError, match="1, 2 or 3"):
        FNO(4)
    with pytest.raises(UsageError, match="one for each axis"):
        FNO(2, modes=(4, 4, 4))
