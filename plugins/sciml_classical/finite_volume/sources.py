"""Pointwise sources: those of x and t alone by quadrature, others from values at the centres of cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.equation import tree as t
from sciml.problem import numpy_function

from .averaging import MARGIN, to_averages, to_points
from .law import Law
from .mesh import Mesh
from .pointwise import Pointwise


class Sources:
    """`care`: whether averages become values and back, which linear sources and second order do not need."""

    def __init__(self, law: Law, mesh: Mesh, high: bool, device: str) -> None:
        self.law, self.mesh, self.device, self.dim = law, mesh, device, len(mesh.cells)
        self.nonlinear = [s for s in law.sources if any(isinstance(n, t.Field) for n in t.walk(s))]
        self.care = high and any(not _is_linear(s, law.fields) for s in self.nonlinear)
        self.sources_at = Pointwise(law.sources)
        self.slopes_at = Pointwise([t.partial(s, t.Field(f)) for s in law.sources for f in law.fields])
        self.fixed: dict[int, Tensor] = {}  # sources that depend on x alone

    def add(self, total: Tensor, values: Tensor, time: float) -> float:
        """Adds averages of sources to `total`; returns a bound on their own rate.

        values: the state's averages, with `care` 2 MARGIN cells wider on every side than `total`.
        """
        given = [k for k, s in enumerate(self.law.sources) if s != t.ZERO and s not in self.nonlinear]
        for k in given:
            total[k] += self.fixed_averages(k, time)
        if not self.nonlinear:
            return 0.0
        margin = MARGIN if self.care else 0
        at: dict[str, Any] = {"t": time}
        for a, one in enumerate(self.mesh.axes):
            line = self.mesh.start(a) + self.mesh.widths[a] * (np.arange(-margin, self.mesh.cells[a] + margin) + 0.5)
            shape = [-1 if b == a else 1 for b in range(self.dim)]
            at[one.name] = torch.as_tensor(line, device=self.device).reshape(shape)
        for dim in range(1, self.dim + 1) if self.care else ():
            values = to_points(values, dim)
        named = dict(zip(self.law.fields, values, strict=True))
        rows = torch.stack(self.sources_at(named, at, values[0]))
        for dim in range(1, self.dim + 1) if self.care else ():
            rows = to_averages(rows, dim)
        for k in range(len(total)):
            if k not in given:
                total[k] += rows[k]
        slopes = torch.stack(self.slopes_at(named, at, values[0]))
        return float(slopes.abs().reshape(len(total), len(total), -1).sum(1).max())

    def fixed_averages(self, k: int, time: float) -> Tensor:
        """Of a source without fields, (*cells)."""
        source = self.law.sources[k]
        if k in self.fixed:
            return self.fixed[k]

        def formula(at: dict[str, Any]) -> Any:
            shape = np.broadcast_shapes(*(p.shape for p in at.values()))
            coordinates: dict[str, Any] = at | {"t": time}
            value = t.evaluate(source, lambda n: coordinates[n.name], numpy_function)  # type: ignore[attr-defined]
            return np.broadcast_to(np.asarray(value, dtype=np.float64), shape)

        found = torch.as_tensor(self.mesh.averages(formula, range(self.dim), {}), device=self.device)
        if not any(n == t.Coordinate("t") for n in t.walk(source)):
            self.fixed[k] = found
        return found


def _is_linear(source: t.Expr, fields: tuple[str, ...]) -> bool:
    """Whether averages of the source are the source of averages."""
    return not any(isinstance(n, t.Coordinate) for n in t.walk(source)) and all(
        not any(isinstance(n, t.Field) for n in t.walk(t.partial(source, t.Field(f)))) for f in fields
    )
