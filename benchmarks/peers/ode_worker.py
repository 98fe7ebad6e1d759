"""torchdiffeq, torchode and diffrax in an environment of their own: the Lorenz system of a batch, float64, on request.

One JSON request a line on stdin, one answer on stdout; initial states (samples, 3) travel as files.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

import diffrax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torchdiffeq  # noqa: E402
import torchode  # noqa: E402

Found = tuple[Any, float]  # end states, mean number of steps of a sample


def rate(t: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    x, y, z = u.unbind(-1)
    return torch.stack((10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z), -1)


def by_torchdiffeq(case: dict[str, Any], y0: np.ndarray) -> Found:
    times = torch.tensor([0.0, case["end"]], dtype=torch.float64)
    calls = 0

    def counted(t: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return rate(t, u)

    method = {"tsit5": "dopri5", "dop853": "dopri8"}[case["method"]]
    tolerance = case["tolerance"]
    found = torchdiffeq.odeint(counted, torch.from_numpy(y0), times, rtol=tolerance, atol=tolerance, method=method)
    return found[-1], calls / {"dopri5": 6, "dopri8": 13}[method]


def by_torchode(case: dict[str, Any], y0: np.ndarray) -> Found:
    term = torchode.ODETerm(rate)
    controller = torchode.IntegralController(atol=case["tolerance"], rtol=case["tolerance"], term=term)
    adjoint = torchode.AutoDiffAdjoint(torchode.Tsit5(term=term), controller)
    times = torch.tensor([[0.0, case["end"]]], dtype=torch.float64).repeat(len(y0), 1)
    found = adjoint.solve(torchode.InitialValueProblem(y0=torch.from_numpy(y0), t_eval=times))
    return found.ys[:, -1], float(found.stats["n_steps"].double().mean())


COMPILED: dict[Any, Callable[[Any], Any]] = {}


def by_diffrax(case: dict[str, Any], y0: np.ndarray) -> Found:
    key = case["method"], case["end"], case["tolerance"], len(y0)
    if key not in COMPILED:
        solver = {"tsit5": diffrax.Tsit5, "dop853": diffrax.Dopri8}[case["method"]]()
        controller = diffrax.PIDController(rtol=case["tolerance"], atol=case["tolerance"])

        def field(t: Any, u: Any, args: Any) -> Any:
            x, y, z = u
            return jnp.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

        def solve(start: Any) -> Any:
            found = diffrax.diffeqsolve(
                diffrax.ODETerm(field), solver, 0.0, case["end"], None, start, stepsize_controller=controller,
                max_steps=200_000, saveat=diffrax.SaveAt(t1=True),
            )  # fmt: skip
            return found.ys[0], found.stats["num_steps"]

        def single(starts: Any) -> Any:  # without vmap, whose masks cost one trajectory something
            return jax.tree.map(lambda a: a[None], solve(starts[0]))

        COMPILED[key] = jax.jit(jax.vmap(solve) if len(y0) > 1 else single)
    ends, steps = COMPILED[key](jnp.asarray(y0))
    return np.asarray(ends.block_until_ready()), float(np.mean(steps))


SOLVERS = {"torchdiffeq": by_torchdiffeq, "torchode": by_torchode, "diffrax": by_diffrax}


def main() -> None:
    torch.set_num_threads(int(os.environ["THREADS"]))
    names = ", ".join(f"{n} {version(n)}" for n in SOLVERS)
    print(json.dumps({"version": f"{names}, jax {jax.__version__}, torch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        case: dict[str, Any] = json.loads(line)
        y0 = np.load(case["file"])
        began, worked = time.perf_counter(), time.process_time()
        with torch.no_grad():
            end, steps = SOLVERS[case["peer"]](case, y0)
        seconds, processor = time.perf_counter() - began, time.process_time() - worked
        np.save(case["save"], np.asarray(end))
        print(json.dumps({"seconds": seconds, "processor": processor, "steps": steps}), flush=True)


if __name__ == "__main__":
    main()
