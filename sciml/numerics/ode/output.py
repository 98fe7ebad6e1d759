"""Values at the times that were asked for, from the steps that contain them."""

from __future__ import annotations

import torch
from torch import Tensor

from .march import Record
from .method import Method
from .state import Field, State


class Output:
    """times: (samples, times). A sample's output pointer moves as its time does."""

    def __init__(self, method: Method, field: Field, times: Tensor, y0: Tensor, inner: bool) -> None:
        self.method, self.field, self.times = method, field, times
        self.values = y0.new_full((*times.shape, y0.shape[1]), torch.nan)
        begun = times <= times[:, :1]  # the start may be asked for more than once
        self.values = torch.where(begun[:, :, None], y0[:, None, :], self.values)
        self.next = begun.sum(1)
        self.evaluations = torch.zeros(len(y0), dtype=torch.int64, device=y0.device)
        self._waiting = self._coming()

    def _coming(self) -> Tensor:
        """(samples,): the next output time; infinite after the last."""
        last = self.times.shape[1]
        found = self.times.gather(1, self.next.clamp(max=last - 1)[:, None])[:, 0]
        return torch.where(self.next < last, found, torch.inf)

    def due(self, t: Tensor) -> bool:
        """Whether a sample at t (samples,) has passed an output."""
        return bool((self._waiting <= t).any())

    def take(self, record: Record) -> None:
        """Fill in what lies in a step."""
        reached = torch.where(record.accepted, record.t + record.h, -torch.inf)
        beyond = torch.maximum(torch.searchsorted(self.times, reached[:, None], right=True)[:, 0], self.next)
        many = beyond - self.next
        total = int(many.sum())
        if not total:
            return
        rows = torch.repeat_interleave(many)
        columns = torch.arange(total, device=rows.device) - (many.cumsum(0) - beyond)[rows]
        at = self.times[rows, columns]
        self.values[rows, columns] = self.field.joined(inside(self.method, self.field, record, rows, at))
        self.evaluations += many * self.method.dense_evaluations
        self.next = beyond
        self._waiting = self._coming()

    def finished(self, last: Tensor, until: Tensor) -> Tensor:
        """(samples, times, components), the end's values put in."""
        return torch.where((self.times >= until[:, None])[:, :, None], last[:, None, :], self.values)


def inside(method: Method, field: Field, record: Record, rows: Tensor, at: Tensor) -> State:
    """The states of some samples (rows,) of a step at times (rows,) in it."""
    def some(state: State) -> State:
        return tuple(leaf[rows] for leaf in state)

    t, h = record.t[rows], record.h[rows]
    kept = tuple(some(k) for k in record.kept)
    theta = ((at - t) / h).clamp(0.0, 1.0)
    return method.between(field.rows(rows), t, h, some(record.y), some(record.end), kept, theta)
