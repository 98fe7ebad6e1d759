"""Krogstad's exponential Runge–Kutta scheme as the kernels around its transforms see it, and their cases.

J. Comput. Phys. 203 (2005), eq. 51, as in `numerics.exponential.Etdrk4`:

    a = e½ u + ½φ N(u),  b = a + ½φ₂ (N(a) - N(u)),  c = e u + φ₁ N(u) + φ₂ (N(b) - N(u)),
    u₁ = e u + α N(u) + β (N(a) + N(b)) + γ N(c)
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .layout import Layout
from .numbers import Numbers

STAGES = ("u", "a", "b", "c")  # what is transformed; its parts: (u,), (u, N(u)), (a, N(u), N(a)), (u, N(u), N(b))
HALF, FULL, HALF1, HALF2, FULL1, FULL2, FIRST, MIDDLE, LAST = range(9)  # rows of a table


def batch_step(tensor: Tensor) -> int:
    """Distance between members of a batch; none where one member serves all."""
    return 0 if len(tensor) == 1 else tensor[0].numel()


def case_layout(modes: tuple[int, ...], grid: tuple[int, ...], fields: int) -> Layout:
    """Two atoms a field (itself and one symbol), the last of them of all fields; as many products."""
    inner = [(2 * f + i, f, i - 1 if i == 0 else f) for f in range(fields) for i in (0, 1)]
    inner += [(2 * fields - 1, 0, 0)] if fields > 1 else []
    outer = [(f, p, -1 if p == f else 0) for f in range(fields) for p in range(fields) if p >= f]
    return Layout(modes, grid, fields, 2 * fields, fields, tuple(inner), tuple(outer))


CASES: dict[str, Any] = {  # modes, grid, fields, batch, tables
    "one mode": ((2,), (4,), 1, 1, 1),
    "line": ((12,), (36,), 1, 3, 1),
    "two tables from one state": ((7,), (22,), 2, 2, 2),
    "plane": ((5, 4), (9, 10), 1, 2, 1),
    "plane, three fields": ((3, 6), (8, 18), 3, 1, 1),
    "box": ((3, 5, 3), (4, 9, 8), 2, 2, 1),
    "no padding": ((5, 3), (5, 5), 1, 1, 1),
}
TOLERANCE = {"float32": 2e-6, "float64": 4e-15}


def made(case: Any, dtype: Any, device: str, seed: int) -> tuple[Any, ...]:
    modes, grid, fields, batch, tables = case
    make, layout = Numbers(dtype, device, seed), case_layout(modes, grid, fields)
    table, symbols = make.complex(tables, 9, fields, *modes), make.complex(fields, *modes)
    u, n_u = (make.complex(1 if tables > 1 else batch, fields, *modes) for _ in range(2))
    n_a, n_b = (make.complex(batch, fields, *modes) for _ in range(2))
    return layout, table, symbols, u, n_u, n_a, n_b, make


def sized(n: int) -> Any:
    k = max(2, round((n / 10) ** 0.5 / 1.5))  # a square plane, one field: about ten numbers a point of the grid
    return (2 * k + 1, k + 1), (3 * k + 2 - k % 2, 3 * k + 2 - k % 2), 1, 1, 1
