"""States of a batch, and the fields that move them.

A state is a tuple of tensors whose first dimension runs over samples: one tensor (samples, components) where the field
is a network, one tensor (samples,) a component where it is an equation. In the second form every operation of a step
is pointwise over the samples, so that a compiler makes one loop of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from ...equation import Equation, tree

State = tuple[Tensor, ...]


class Field(Protocol):
    """dy/dt at times (samples,) and a state."""

    def __call__(self, t: Tensor, y: State) -> State: ...

    def split(self, y: Tensor) -> State:
        """(samples, components) as this field takes it."""
        ...

    def joined(self, y: State) -> Tensor:
        """(samples, components) again."""
        ...

    def rows(self, rows: Tensor) -> Field:
        """The field of some of the samples, which may have numbers of their own."""
        ...


class Whole:
    """A function of t (samples,) and y (samples, components)."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.function = function

    def __call__(self, t: Tensor, y: State) -> State:
        return (self.function(t, y[0]),)

    def split(self, y: Tensor) -> State:
        return (y,)

    def joined(self, y: State) -> Tensor:
        return y[0]

    def rows(self, rows: Tensor) -> Whole:
        return self


class Separate:
    """A function of t (samples,) and a tuple of components (samples,)."""

    def __init__(
        self, function: Callable[[Tensor, State], Sequence[Tensor]], some: Callable[[Tensor], Separate] | None = None
    ) -> None:
        """some: the field of some rows, if samples differ in more than their states."""
        self.function, self.some = function, some

    def __call__(self, t: Tensor, y: State) -> State:
        return tuple(self.function(t, y))

    def split(self, y: Tensor) -> State:
        return tuple(column.contiguous() for column in y.unbind(1))

    def joined(self, y: State) -> Tensor:
        return torch.stack(y, 1)

    def rows(self, rows: Tensor) -> Separate:
        return self if self.some is None else self.some(rows)


class OfEquation(Separate):
    """The right-hand sides of an equation without axes. rates: the same as trees over atoms, the fields first, then
    what differs between samples; own: these, each (samples,)."""

    def __init__(self, equation: Equation, parameters: Mapping[str, Tensor]) -> None:
        place = {name: i for i, name in enumerate(equation.fields)}
        numbers: Mapping[str, Any] = dict(equation.parameters) | dict(parameters)
        rates = [equation.rates[name] for name in equation.fields]

        def function(t: Tensor, y: State) -> list[Tensor]:
            def leaf(node: tree.Expr) -> Any:
                match node:
                    case tree.Field(name):
                        return y[place[name]]
                    case tree.Parameter(name):
                        return numbers[name]
                return t  # the only coordinate of an equation without axes

            found = [tree.evaluate(rate, leaf, lambda name, value: getattr(torch, name)(value)) for rate in rates]
            return [rate if isinstance(rate, Tensor) else torch.full_like(t, rate) for rate in found]

        def some(rows: Tensor) -> Separate:
            return OfEquation(equation, {name: values[rows] for name, values in parameters.items()})

        super().__init__(function, some if parameters else None)
        atoms: dict[tree.Expr, tree.Expr] = {
            tree.Parameter(name): tree.Number(float(value)) for name, value in equation.parameters.items()
        }
        names = [tree.Field(name) for name in equation.fields], [tree.Parameter(name) for name in parameters]
        atoms |= {leaf: tree.Atom(i) for i, leaf in enumerate([*names[0], *names[1]])}
        self.rates = [tree.substitute(rate, atoms) for rate in rates]
        self.own = list(parameters.values())


def of_equation(equation: Equation, parameters: Mapping[str, Tensor] | None = None) -> OfEquation:
    """The field of an equation without axes. parameters: (samples,) by name, where they differ between samples."""
    return OfEquation(equation, dict(parameters or {}))


def along(h: Tensor, leaf: Tensor) -> Tensor:
    """(samples,) so that it multiplies a leaf."""
    return h if leaf.dim() == 1 else h.reshape(-1, *[1] * (leaf.dim() - 1))


def combined(weights: Sequence[float], stages: Sequence[State]) -> State:
    """Σ_i weights_i stages_i, leaf by leaf; what has no weight is left out."""
    used = [(w, k) for w, k in zip(weights, stages, strict=False) if w != 0.0]
    found = []
    for leaf in range(len(stages[0])):
        total = used[0][1][leaf] * used[0][0]
        for weight, stage in used[1:]:
            total = torch.add(total, stage[leaf], alpha=weight)
        found.append(total)
    return tuple(found)


def moved(y: State, h: Tensor, direction: State) -> State:
    """y + h·direction."""
    return tuple(a + along(h, a) * b for a, b in zip(y, direction, strict=True))


def chosen(where: Tensor, yes: State, no: State) -> State:
    """Sample by sample."""
    return tuple(torch.where(along(where, a), a, b) for a, b in zip(yes, no, strict=True))


def rms(values: State, scale: State) -> Tensor:
    """(samples,): root mean square of values/scale over all components."""
    total: Any = 0.0
    count = 0
    for value, size in zip(values, scale, strict=True):
        square = (value / size) ** 2
        total = total + (square if square.dim() == 1 else square.flatten(1).sum(1))
        count += 1 if square.dim() == 1 else square[0].numel()
    found: Tensor = torch.sqrt(total / count)
    return found
