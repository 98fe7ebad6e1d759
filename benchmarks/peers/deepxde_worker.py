"""Burgers' equation by DeepXDE as its own documentation solves it, measured. Needs deepxde and torch, not sciml.

The recipe (DeepXDE documentation, "Burgers equation"): tanh network 2-20-20-20-1, Glorot normal, 2540 points in
the domain, 80 on the boundary, 160 at the start, 15000 iterations of Adam at 1e-3, then L-BFGS with DeepXDE's
settings. Differences: up to t = 1 rather than 0.99, double precision (L-BFGS stops early in single), and L-BFGS
is started again, on the same points, until the budget is spent.
"""

from __future__ import annotations

import argparse
import os

os.environ["DDE_BACKEND"] = "pytorch"

import deepxde as dde
import numpy as np
import torch
from curve import Curve

ADAM_ITERATIONS, ADAM_RATE = 15000, 1e-3


class Watch(dde.callbacks.Callback):
    """Measures when a point is due, ends training when the budget is spent."""

    def __init__(self, curve: Curve) -> None:
        super().__init__()
        self.curve, self.phase = curve, ""

    def on_epoch_end(self) -> None:
        if self.curve.due:
            self.measure()
        self.model.stop_training = self.curve.spent

    def measure(self) -> None:
        self.curve.measure(self.model.predict, self.model.train_state.iteration, self.phase)


def residual(x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    return u_t + u * u_x - 0.01 / np.pi * dde.grad.hessian(u, x, i=0, j=0)


def build(end: float) -> dde.Model:
    domain = dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, end))
    boundary = dde.icbc.DirichletBC(domain, lambda x: 0, lambda _, on_boundary: on_boundary)
    initial = dde.icbc.IC(domain, lambda x: -np.sin(np.pi * x[:, 0:1]), lambda _, on_initial: on_initial)
    data = dde.data.TimePDE(
        domain, residual, [boundary, initial], num_domain=2540, num_boundary=80, num_initial=160
    )
    return dde.Model(data, dde.nn.FNN([2] + [20] * 3 + [1], "tanh", "Glorot normal"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("budget", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=["float32", "float64"], default="float64")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dde.config.set_default_float(arguments.precision)
    dde.config.set_random_seed(arguments.seed)
    curve = Curve(arguments.target, arguments.budget)
    watch = Watch(curve)
    model = build(float(curve.points[:, 1].max()))
    model.compile("adam", lr=ADAM_RATE)
    watch.phase = "adam"
    model.train(iterations=ADAM_ITERATIONS, callbacks=[watch])
    watch.measure()
    rounds, converged = 0, False
    while not curve.spent and not converged:
        rounds, before = rounds + 1, model.train_state.iteration
        watch.phase = f"l-bfgs {rounds}"
        model.compile("L-BFGS")
        model.train(callbacks=[watch])
        watch.measure()
        if rounds == 1 and not curve.spent:
            print(f"NOTE DeepXDE's recipe ends after {model.train_state.iteration} iterations, {curve.seconds:.0f} s.")
        converged = model.train_state.iteration == before  # it cannot move any more


if __name__ == "__main__":
    main()
