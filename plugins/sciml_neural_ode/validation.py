"""Validation members, or pieces of them: a network's error there, and the tolerance that this error allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sciml.dataset import Dataset
from sciml.errors import RunFailed, UsageError
from sciml.numerics.ode import solve_ode

from .network import Dynamics
from .rates import smoothed
from .setting import Setting, together

if TYPE_CHECKING:
    from .solver import NeuralOde

LOOSER = [10 ** (i / 4) for i in range(1, 25)]  # tolerances for prediction, over that of training
LOOSEST, LOSS = 0.03, 1.01
MOST = 3000  # steps of a window or a piece: beyond, the field has become too stiff to be worth solving


class Pieces:
    """values: (pieces, times, fields), scaled; times: (pieces, times); told: (pieces, parameters). A piece of a noisy
    series begins where smoothing says that the series is."""

    def __init__(self, solver: NeuralOde, setting: Setting, data: Dataset) -> None:
        self.solver, self.setting = solver, setting
        values, told = setting.scaled(together(data)), setting.told(data.problems)
        times = torch.from_numpy(data.times)
        length = solver.piece or len(times)
        if length > len(times):
            raise UsageError(f"neural-ode: validation series of {len(times)} outputs hold no piece of {length}.")
        starts = smoothed(values, times, solver.smooth)[0] if solver.smooth else values
        each = len(times) // length

        def cut(series: Tensor) -> Tensor:
            return series[:, : each * length].reshape(-1, length, values.shape[2])

        self.values, self.start = cut(values), cut(starts)[:, 0]
        self.times = times[: each * length].reshape(each, length).repeat(len(values), 1)
        self.told = told.repeat_interleave(each, 0)

    def missed(self, network: Dynamics, tolerance: float) -> dict[str, float]:
        """Relative L2 error over time and fields, in the units of the data, and evaluations of the field; means."""
        try:
            path = solve_ode(
                network.moving(self.told), network.start(self.start), self.times, method=self.solver.method,
                relative=tolerance, absolute=tolerance, most=MOST,
            )  # fmt: skip
        except RunFailed:  # a field that is not trained yet may leave every bound
            return {"error of members": np.inf, "evaluations": np.inf}
        found, truth = self.setting.unscaled(network.read(path.values)), self.setting.unscaled(self.values)
        missed, size = (np.linalg.norm(a.reshape(len(a), -1), axis=1) for a in (found - truth, truth))
        evaluations = float(path.evaluations.double().mean())
        return {"error of members": float((missed / size).mean()), "evaluations": evaluations}

    def tolerance(self, network: Dynamics) -> float:
        """For prediction: solving more exactly than the field is known is lost work."""
        chosen = self.solver.tolerance
        base = self.missed(network, chosen)["error of members"]
        for factor in LOOSER:
            tolerance = factor * self.solver.tolerance
            if tolerance > LOOSEST or not self.missed(network, tolerance)["error of members"] < LOSS * base:
                break
            chosen = tolerance
        return chosen
