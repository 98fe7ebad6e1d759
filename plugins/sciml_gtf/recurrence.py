"""A shallow piecewise-linear recurrence under generalised teacher forcing, with the backward pass written out.

    z_t = A z̃_{t-1} + W1 relu(W2 z̃_{t-1} + h2) + h1,      z̃_t = (1 − α) z_t + α x_t,      z̃_0 = x_0

and, clipped, W1 (relu(W2 z̃ + h2) − relu(W2 z̃)) in the second term (Hess et al. 2023, eqs. 3, 4 and 7, with the data x
for the inferred state: every variable is observed). A is diagonal.

The steps are small and many: a graph of tensors would spend its time on bookkeeping. What is linear in a step is one
product of matrices here, h = [relu(…), z̃, 1] with K = L + M + 1 columns (clipped: 2L + M + 1), z = h V; the gradients
of the weights are one product over all steps at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sciml.kernels import recurrence as compiled
from sciml.problem import Array


class Weights:
    """The recurrence's matrices, laid out for one product before and one after the rectifier. All float64.

    a (M,), w1 (M, L), w2 (L, M), h1 (M,), h2 (L,).
    """

    def __init__(self, a: Array, w1: Array, w2: Array, h1: Array, h2: Array, clipped: bool) -> None:
        self.arrays, self.clipped = (a, w1, w2, h1, h2), clipped
        self.a, self.w1, self.w2 = a, w1, w2
        before = np.vstack([w2.T, h2])  # (M + 1, L)
        self.before, after = before, w1.T
        if clipped:
            self.before = np.hstack([before, np.vstack([w2.T, np.zeros_like(h2)])])
            after = np.vstack([w1.T, -w1.T])
        self.hidden = after.shape[0]
        self.after = np.vstack([after, np.diag(a), h1])  # (K, M)

    def step(self, z: Array) -> Array:
        """One step without forcing, (…, M)."""
        ones = np.ones((*z.shape[:-1], 1))
        inner = np.concatenate([z, ones], axis=-1)
        bent = np.maximum(inner @ self.before, 0.0)
        found: Array = np.concatenate([bent, inner], axis=-1) @ self.after
        return found

    def jacobians(self, z: Array) -> Array:
        """∂z_t/∂z̃_{t-1} at states (…, M): (…, M, M)."""
        inner = np.concatenate([z, np.ones((*z.shape[:-1], 1))], axis=-1)
        on = (inner @ self.before > 0).astype(np.float64)  # (…, hidden)
        slopes = self.before[:-1].T  # (hidden, M)
        found: Array = np.einsum("hi,...h,hj->...ij", self.after[: self.hidden], on, slopes, optimize=True)
        return found + np.diag(self.a)


def forward(weights: Weights, data: Array, alpha: float) -> tuple[Array, Array]:
    """States (T, B, M) at data times 1 … T and the rows h (T, B, K), of data (T + 1, B, M)."""
    steps, batch, size = len(data) - 1, data.shape[1], data.shape[2]
    hidden, before, after = weights.hidden, weights.before, weights.after
    rows = np.empty((steps, batch, len(after)))
    rows[..., -1] = 1.0
    states, forcing = np.empty((steps, batch, size)), alpha * data[:-1]
    z, free = data[0], 1.0 - alpha
    with np.errstate(all="ignore"):  # a state that is not finite shows in the loss
        for t in range(steps):
            row = rows[t]
            given = row[:, hidden:-1]
            np.multiply(z, free, out=given)
            given += forcing[t]
            bent = row[:, :hidden]
            np.maximum(row[:, hidden:] @ before, 0.0, out=bent)
            z = np.matmul(row, after, out=states[t])
    return states, rows


def backward(weights: Weights, rows: Array, slopes: Array, alpha: float) -> tuple[Array, ...]:
    """Gradients of a, w1, w2, h1, h2, of the rows from `forward` and the loss's slopes (T, B, M) in the states."""
    steps, batch, size = slopes.shape
    hidden, units = weights.hidden, weights.w1.shape[1]
    down = np.ascontiguousarray(weights.after[:hidden].T)  # (M, hidden)
    out = np.ascontiguousarray(weights.before[:-1].T) * (1.0 - alpha)  # (hidden, M)
    direct = weights.a * (1.0 - alpha)
    on = rows[..., :hidden] > 0
    total, inner = np.empty_like(slopes), np.empty((steps, batch, hidden))
    g = np.zeros((batch, size))
    with np.errstate(all="ignore"):
        for t in range(steps - 1, -1, -1):
            g = np.add(g, slopes[t], out=total[t])
            bent = np.matmul(g, down, out=inner[t])
            bent *= on[t]
            g = bent @ out + g * direct
        flat, bends = total.reshape(-1, size), inner.reshape(-1, hidden)
        lines = rows.reshape(-1, rows.shape[-1])
        of_after = lines.T @ flat  # (K, M)
        of_before = lines[:, hidden:].T @ bends  # (M + 1, hidden)
        of_a = (lines[:, hidden:-1] * flat).sum(0)
    of_w1, of_w2, of_h2 = of_after[:units], of_before[:-1, :units], of_before[-1, :units]
    if weights.clipped:
        of_w1 = of_w1 - of_after[units:hidden]
        of_w2 = of_w2 + of_before[:-1, units:]
    return of_a, of_w1.T, of_w2.T, of_after[-1], of_h2


def plain(*tensors: torch.Tensor) -> tuple[Array, Array, Array, Array, Array]:
    """Five tensors as arrays on the same memory."""
    a, w1, w2, h1, h2 = (t.detach().numpy() for t in tensors)
    return a, w1, w2, h1, h2


class Forced(torch.autograd.Function):
    """States (T, B, M) as a function of the weights; nothing flows back into the data. Compiled where that is possible,
    else by the numpy above."""

    @staticmethod
    def forward(
        ctx: Any, a: torch.Tensor, w1: torch.Tensor, w2: torch.Tensor, h1: torch.Tensor, h2: torch.Tensor,
        data: torch.Tensor, alpha: float, clipped: bool,
    ) -> torch.Tensor:  # fmt: skip
        weights = Weights(*plain(a, w1, w2, h1, h2), clipped=clipped)
        if compiled.available():
            recurrence = compiled.Recurrence(*weights.arrays, alpha, clipped)
            states, inputs = recurrence.forward(data.numpy())
            ctx.back = lambda slopes: recurrence.backward(inputs, slopes)
        else:
            states, rows = forward(weights, data.numpy(), alpha)
            ctx.back = lambda slopes: backward(weights, rows, slopes, alpha)
        return torch.from_numpy(states)

    @staticmethod
    def backward(ctx: Any, slopes: torch.Tensor) -> tuple[Any, ...]:
        grads = ctx.back(slopes.contiguous().numpy())
        return (*(torch.from_numpy(np.ascontiguousarray(g)) for g in grads), None, None, None)


def states_from(weights: Weights, data: Array, alpha: float) -> Array:
    """What each step starts from, z̃ (T, B, M), of data (T + 1, B, M)."""
    if compiled.available():
        return compiled.Recurrence(*weights.arrays, alpha, weights.clipped).forward(data)[1]
    return forward(weights, data, alpha)[1][..., weights.hidden : -1]


def rollout(weights: Weights, start: Array, steps: int) -> Array:
    """States (steps, B, M) after `start` (B, M), without forcing."""
    if compiled.available():
        data = np.zeros((steps + 1, *start.shape))
        data[0] = start
        found = compiled.Recurrence(*weights.arrays, 0.0, weights.clipped)
        return found.forward(data, inputs=False)[0]
    states, z = np.empty((steps, *start.shape)), start
    with np.errstate(all="ignore"):
        for t in range(steps):
            z = states[t] = weights.step(z)
    return states


def path() -> str:
    """What computes: for the provenance."""
    return "compiled" if compiled.available() else "numpy"
