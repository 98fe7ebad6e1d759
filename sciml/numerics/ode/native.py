"""The march of a field of formulas by an explicit method: steps, verdicts, sizes and outputs in one compiled loop.

What `march`, `control` and `output` do in torch, `kernels/ode.py` does here, in blocks of samples that stay in the
cache for as many steps as a call is allowed. A field is a program that is read: there is nothing to compile for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...equation import tree
from ...kernels import ode
from . import control, tsit5
from .dop853 import DENSE, FURTHER, FURTHER_NODES
from .explicit import Dop853, ExplicitRungeKutta, Tsit5, dense_row
from .march import STRETCH, Marching
from .method import Method, Tolerance
from .output import Output
from .state import Field, OfEquation, Separate
from .traced import traced

NUMBERS = 3e7  # stages of fields of samples in a call, a tenth of a second: the caller has to be told how far it is


class Native:
    """Attempts of one method on one field."""

    def __init__(
        self, method: ExplicitRungeKutta, rates: Sequence[tree.Expr], parameters: Sequence[Tensor],
        tolerance: Tolerance, samples: int,
    ) -> None:  # fmt: skip
        """rates: over atoms, the components first, then `parameters`, which differ between samples."""
        k, own = method.error_order, np.empty((len(parameters), samples))
        for row, values in zip(own, parameters, strict=True):
            row[:] = values.numpy()
        self._share = NUMBERS / method.evaluations / len(rates)
        self._marcher = ode.Marcher(rates, own, tableau(method), ode.Control(
            tolerance.relative, tolerance.absolute, control.SAFETY, control.SMALLEST, control.LARGEST,
            -control.PROPORTIONAL / k, control.INTEGRAL / k, control.LEAST_ERROR, control.GRAIN, control.ULPS, STRETCH,
        ))  # fmt: skip

    def __call__(self, now: Marching, until: Tensor, output: Output | None, most: int) -> tuple[Marching, int]:
        """Where every sample is after `most` attempts at the most; how many the slowest has tried. Outputs are put
        where they belong."""
        samples, fields = len(until), len(now.y)
        t, h, previous, attempts, accepted, stuck = (
            part.clone() for part in (now.t, now.h, now.previous, now.attempts, now.accepted, now.stuck)
        )
        y, rate = torch.stack(now.y), torch.stack(now.rate)
        batch = ode.Batch(*(part.numpy() for part in (t, h, y, rate, previous, attempts, accepted, stuck)))
        if output is None:
            none = np.zeros(samples, dtype=np.int64)
            outputs = ode.Outputs(np.empty((samples, 0)), np.empty((samples, 0, fields)), none, none)
        else:
            parts = output.times, output.values, output.next, output.evaluations
            outputs = ode.Outputs(*(part.numpy() for part in parts))
        several = max(16, min(most, int(self._share / samples)))
        tried = self._marcher.march(batch, until.numpy(), outputs, min(several, most), torch.get_num_threads())
        return Marching(t, h, y.unbind(0), rate.unbind(0), previous, attempts, accepted, stuck), tried


def native(method: Method, field: Field, tolerance: Tolerance, now: Marching) -> Native | None:
    """None where there is no such loop: of other fields and methods, other numbers, without a compiler. now: where the
    march begins."""
    numbers = now.t.device.type == "cpu" and now.t.dtype == torch.float64
    if not isinstance(method, (Tsit5, Dop853)) or not isinstance(field, Separate) or not numbers or not ode.available():
        return None
    if isinstance(field, OfEquation):
        return Native(method, field.rates, field.own, tolerance, len(now.t))
    rates = traced(field, now.t, now.y, now.rate)
    return None if rates is None else Native(method, rates, [], tolerance, len(now.t))


def tableau(method: ExplicitRungeKutta) -> ode.Tableau:
    stages = len(method.rows)
    if isinstance(method, Tsit5):
        return ode.Tableau(
            np.array(method.nodes), _rows(method.rows, stages), _rows([tsit5.ERROR], stages), np.array(tsit5.DENSE),
            stages,
        )  # fmt: skip
    assert isinstance(method, Dop853)
    every = stages + len(FURTHER)
    rows = [*method.rows, *(dense_row(row, every) for row in FURTHER)]
    return ode.Tableau(
        np.array([*method.nodes, *FURTHER_NODES]), _rows(rows, every), _rows(method.errors, stages),
        np.array([dense_row(row, every) for row in DENSE]), stages,
    )  # fmt: skip


def _rows(weights: Sequence[Sequence[float]], stages: int) -> ode.Array:
    return np.array([[*row, *[0.0] * (stages - len(row))] for row in weights])
