"""The accepted steps of a batch, in order, sample by sample: what gradients and regularisation start from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .march import Record
from .method import Method
from .state import Field, State


@dataclass(frozen=True)
class Steps:
    """Step s of sample b: from y[s, b] at t[s, b] over h[s, b] to end[s, b]; there are count[b] of them, and what lies
    beyond repeats the last. (steps, samples), states (steps, samples, …)."""

    t: Tensor
    h: Tensor
    y: State
    end: State
    kept: tuple[State, ...]
    count: Tensor

    def there(self) -> Tensor:
        """(steps, samples): whether a step is one of the sample's."""
        return torch.arange(len(self.t), device=self.t.device)[:, None] < self.count

    def containing(self, at: Tensor) -> Tensor:
        """(samples, m): the steps in which times (samples, m) lie; a step's end belongs to it."""
        ends = torch.where(self.there(), self.t + self.h, torch.inf).T.contiguous()
        return torch.minimum(torch.searchsorted(ends, at.contiguous()), (self.count - 1)[:, None])

    def states(self, method: Method, field: Field, at: Tensor) -> Tensor:
        """(samples, m, components): dense output at times (samples, m)."""
        step = self.containing(at)
        rows = torch.arange(len(at), device=at.device)[:, None].expand_as(step).reshape(-1)
        where = step.reshape(-1), rows

        def picked(state: State) -> State:
            return tuple(leaf[where] for leaf in state)

        t, h = self.t[where], self.h[where]
        theta = torch.where(h > 0, (at.reshape(-1) - t) / h, 0.0).clamp(0.0, 1.0)  # h is 0 where there was no way to go
        kept = tuple(picked(k) for k in self.kept)
        found = method.between(field.rows(rows), t, h, picked(self.y), picked(self.end), kept, theta)
        return field.joined(found).reshape(*at.shape, -1)


class Collected:
    """Records of attempts, as they come."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def add(self, record: Record) -> None:
        self.records.append(record)

    def sorted(self) -> Steps:
        accepted = torch.stack([r.accepted for r in self.records])
        count = accepted.sum(0)
        most = int(count.max())
        order = torch.argsort((~accepted).to(torch.uint8), stable=True, dim=0)[:most]
        last = order.gather(0, (count - 1).clamp(min=0)[None])
        order = torch.where(torch.arange(most, device=order.device)[:, None] < count, order, last)

        def picked(states: list[State]) -> State:
            found = []
            for leaves in zip(*states, strict=True):
                whole = torch.stack(leaves)
                index = order.reshape(*order.shape, *[1] * (whole.dim() - 2)).expand(-1, -1, *whole.shape[2:])
                found.append(whole.gather(0, index))
            return tuple(found)

        (t,), (h,) = picked([(r.t,) for r in self.records]), picked([(r.h,) for r in self.records])
        kept = tuple(picked(list(stages)) for stages in zip(*(r.kept for r in self.records), strict=True))
        return Steps(t, h, picked([r.y for r in self.records]), picked([r.end for r in self.records]), kept, count)
