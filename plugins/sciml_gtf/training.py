"""Sequences, forcing and loss; validation by what the network does alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sciml.dataset import Dataset
from sciml.learning import Batch, Task
from sciml.metrics.attractors import spectral_distance, state_space_divergence
from sciml.problem import Array
from sciml.run import Run

from .forcing import annealed
from .network import Plrnn
from .recurrence import path, rollout

if TYPE_CHECKING:
    from .solver import Gtf

EVERY = 5  # steps between two looks at the Jacobians
SHORT = 50  # steps of a forecast whose error is shown
STARTS = 8  # free runs from each validation series: one that ends in a fixed point shows in one of them


def series(data: Dataset) -> Array:
    """(members, times, fields)"""
    return np.stack([data.values[name] for name in data.family.description.fields], axis=-1)


class SeriesTask(Task):
    """Batches are random pieces of the training series, in units of their standard deviation."""

    checks = 50

    def __init__(self, solver: Gtf, train: Dataset, valid: Dataset, run: Run) -> None:
        seen = series(train)
        self.mean, self.std = seen.mean((0, 1)), seen.std((0, 1))
        self.std[self.std == 0] = 1.0
        self.seen, self.valid = ((a - self.mean) / self.std for a in (seen, series(valid)))
        self.chaotic = train.family.description.lyapunov is not None
        self.solver, self.step = solver, float(train.times[1] - train.times[0])
        self.network = self.plrnn = Plrnn(seen.shape[2], solver.units, solver.clipped)
        self.plrnn.alpha.fill_(solver.alpha if solver.forcing == "fixed" else 1.0)
        run.took("recurrence", path())

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        """(B, T + 1, M)"""
        long = self.solver.length + 1
        members = rng.integers(len(self.seen), size=size)
        starts = rng.integers(self.seen.shape[1] - long + 1, size=size)
        pieces = [self.seen[m, s : s + long] for m, s in zip(members, starts, strict=True)]
        looks = bool(rng.integers(EVERY) == 0)
        return {"series": torch.from_numpy(np.stack(pieces)), "looks": torch.full((size,), looks)}

    def loss(self, batch: Batch) -> torch.Tensor:
        data = batch["series"].transpose(0, 1).contiguous()
        if self.solver.forcing == "adaptive" and bool(batch["looks"][0]):
            self.plrnn.alpha.fill_(annealed(self.plrnn.weights(), data.numpy(), float(self.plrnn.alpha)))
        states: torch.Tensor = self.plrnn(data, float(self.plrnn.alpha))
        error: torch.Tensor = ((states - data[1:]) ** 2).mean()
        return error

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Of free runs from several validation states, as long as the series, with noise as observations have; and of
        short forecasts from many. What weights are kept by comes first: of chaotic systems the former."""
        assert isinstance(network, Plrnn)
        weights = network.weights()
        starts = self.valid[:, :: -(-self.valid.shape[1] // STARTS)]  # (members, starts, M)
        found = rollout(weights, starts.reshape(-1, starts.shape[2]), self.valid.shape[1] - 1).transpose(1, 0, 2)
        found = found + self._noise(network) * np.random.default_rng(0).standard_normal(found.shape)
        pairs = list(zip(found, np.repeat(self.valid[:, 1:], starts.shape[1], axis=0), strict=True))
        divergence = [state_space_divergence(a, b) for a, b in pairs]
        spectral = [spectral_distance(a, b) for a, b in pairs]
        short = min(SHORT, self.valid.shape[1] - 1)
        pieces = np.concatenate([
            np.lib.stride_tricks.sliding_window_view(row, short + 1, axis=0)[:: short + 1] for row in self.valid
        ])  # (pieces, M, short + 1)
        ahead = rollout(weights, np.ascontiguousarray(pieces[..., 0]), short)[-1]
        error = float(np.sqrt(np.mean((ahead - pieces[..., -1]) ** 2)))
        long = {"state_space": float(np.mean(divergence)), "spectral": float(np.mean(spectral))}
        forecast = {f"error_{short}": error}
        return long | forecast if self.chaotic else forecast | long

    def _noise(self, network: Plrnn) -> Array:
        """(M,): root mean square of what forced states leave of the validation series: an estimate of the noise of its
        observations (and of the model), which a free run lacks."""
        data = np.ascontiguousarray(self.valid.transpose(1, 0, 2))
        with torch.no_grad():
            states = network(torch.from_numpy(data), float(self.plrnn.alpha)).numpy()
        found: Array = np.sqrt(((np.nan_to_num(states) - data[1:]) ** 2).mean((0, 1)))
        return found

    def extra(self) -> dict[str, Any]:
        return {
            "mean": self.mean.tolist(), "std": self.std.tolist(), "step": self.step,
            "alpha": float(self.plrnn.alpha),
        }  # fmt: skip
