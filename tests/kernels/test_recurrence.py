"""The compiled recurrence is the plain one, forwards and backwards, whatever the batch."""

from __future__ import annotations

import numpy as np
import pytest
from sciml_gtf import recurrence
from sciml_gtf.recurrence import Weights

from sciml.kernels import recurrence as compiled

pytestmark = pytest.mark.skipif(not compiled.available(), reason="no C++ compiler")


def weights(size: int, units: int, clipped: bool, seed: int = 0) -> Weights:
    rng = np.random.default_rng(seed)
    return Weights(
        rng.uniform(0.5, 1.0, size), 0.1 * rng.normal(size=(size, units)), rng.normal(size=(units, size)),
        0.1 * rng.normal(size=size), rng.normal(size=units), clipped,
    )  # fmt: skip


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize(("batch", "size", "units", "alpha"), [(1, 1, 1, 0.0), (8, 3, 50, 0.2), (13, 5, 7, 0.9)])
def test_states_and_gradients_agree(batch, size, units, alpha, clipped):
    w, rng = weights(size, units, clipped), np.random.default_rng(1)
    data, slopes = rng.normal(size=(31, batch, size)), rng.normal(size=(30, batch, size))
    states, rows = recurrence.forward(w, data, alpha)
    kernel = compiled.Recurrence(*w.arrays, alpha, clipped)
    found, inputs = kernel.forward(data)
    np.testing.assert_allclose(found, states, atol=1e-12)
    np.testing.assert_allclose(inputs, rows[..., w.hidden : -1], atol=1e-12)
    for ours, plain in zip(kernel.backward(inputs, slopes), recurrence.backward(w, rows, slopes, alpha), strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-11 * np.abs(plain).max())


def test_a_free_run_is_repeated_steps():
    w, start = weights(3, 20, True), np.random.default_rng(2).normal(size=(5, 3))
    found, z = recurrence.rollout(w, start, 40), start
    for row in found:
        z = w.step(z)
        np.testing.assert_allclose(row, z, atol=1e-12)


def test_what_is_not_finite_stays_so():
    w = weights(2, 3, False)
    data = np.zeros((4, 9, 2))
    data[0, 8, 1] = np.nan
    states, _ = compiled.Recurrence(*w.arrays, 0.0, False).forward(data)
    assert np.isfinite(states[:, :8]).all() and np.isnan(states[:, 8, 1]).all()
