"""A batch whose field is full of elementary functions: in the loop compiled ahead, and through torch.compile. One
thread; processor time of a step of 1000 samples.

    python benchmarks/ode_functions.py
"""

from __future__ import annotations

import statistics
import time

import torch

from sciml import Equation
from sciml.numerics.ode import Field, Separate, of_equation, solve_ode

EQUATION = Equation.parse(["u_t = sin(v)*exp(-u**2) - tanh(u)", "v_t = cos(u + t) - sin(2*v)*cos(v)"], ["u", "v"])


def a_step(field: Field, path: str, rounds: int = 5) -> list[float]:
    """Microseconds; the first solve, which compiles, does not count."""
    y0 = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    times, found = torch.tensor([0.0, 50.0], dtype=torch.float64), []
    for _ in range(rounds + 1):
        began = time.process_time()
        solved = solve_ode(field, y0, times, relative=1e-8, absolute=1e-8, compiled="yes")
        assert solved.path == path
        found.append((time.process_time() - began) / float((solved.accepted + solved.rejected).max()) * 1e6)
    return found[1:]


def main() -> None:
    torch.set_num_threads(1)
    given = of_equation(EQUATION)
    fields: dict[str, Field] = {"native": given, "compiled": Separate(lambda t, u: given(t, (u[0].clone(), u[1])))}
    for path, field in fields.items():
        took = a_step(field, path)
        print(f"{path}: {statistics.median(took):.0f} us a step ({min(took):.0f} to {max(took):.0f})", flush=True)


if __name__ == "__main__":
    main()
