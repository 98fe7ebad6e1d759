"""Self-scaled Broyden (SSBroyden2): a quasi-Newton method that keeps the inverse Hessian densely.

Al-Baali's self-scaling and the choice of the Broyden family's parameter as Urbán, Stefanou & Pons use them for
PINNs (Unveiling the optimization process of physics informed neural networks, J. Comput. Phys. 523, 2025). With
s, y the changes of point and gradient, ρ = 1/y·s, h = ρ y·Hy, b = -α ρ s·g = s·H⁻¹s ρ, a = bh - 1:

    H <- (H - Hyyᵀ H/(yᵀHy) + φ (yᵀHy) vvᵀ)/τ + ρ ssᵀ,   v = ρ s - Hy/(yᵀHy).

In double precision only: at single precision it stalls.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sciml.errors import UsageError

from ..causal import Ladder
from .objective import Goal, Objective, Trained

Closure = Callable[[Tensor], tuple[float, Tensor]]  # point -> loss and gradient
ARMIJO, WOLFE = 1e-4, 0.9
SEARCH = 25  # evaluations a line search may use
WEIGHTS_EVERY = 10
MOST = 8000  # unknowns: half a gigabyte


@dataclass
class Stepper:
    """State of one minimisation; the loss may change between steps if `refresh` is called then."""

    value_and_grad: Closure
    point: Tensor
    evaluations: int = 0
    value: float = field(init=False)
    gradient: Tensor = field(init=False)
    inverse: Tensor = field(init=False)
    fresh: bool = True  # nothing is known about the curvature yet

    def __post_init__(self) -> None:
        self.inverse = torch.eye(len(self.point), dtype=self.point.dtype)
        self.refresh()

    def refresh(self) -> None:
        """The loss has changed (new weights): the curvature learnt so far stays the best guess."""
        self.value, self.gradient = self._evaluate(self.point)

    def _evaluate(self, point: Tensor) -> tuple[float, Tensor]:
        self.evaluations += 1
        return self.value_and_grad(point)

    def step(self) -> bool:
        """One line search and one update; False if nothing lower was found, also along the gradient."""
        direction = -(self.inverse @ self.gradient)
        if not float(direction @ self.gradient) < 0:
            self._forget()
            direction = -self.gradient
        first = min(1.0, 1.0 / float(self.gradient.norm())) if self.fresh else 1.0
        found = self._search(direction, first)
        if found is None:
            if self.fresh:
                return False
            self._forget()
            return True
        alpha, value, gradient = found
        s, y = alpha * direction, gradient - self.gradient
        if float(s @ y) > 0:
            self.inverse = update(self.inverse, s, y, self.gradient, alpha, self.fresh)
            self.fresh = False
        self.point, self.value, self.gradient = self.point + s, value, gradient
        return True

    def _forget(self) -> None:
        self.inverse = torch.eye(len(self.point), dtype=self.point.dtype)
        self.fresh = True

    def _search(self, direction: Tensor, alpha: float) -> tuple[float, float, Tensor] | None:
        """Bracketing by the weak Wolfe conditions (Lewis & Overton, Math. Program. 141, 2013, algorithm 2.6).
        The best point that satisfies Armijo's condition if the evaluations run out."""
        slope, low, high = float(direction @ self.gradient), 0.0, math.inf
        best: tuple[float, float, Tensor] | None = None
        for _ in range(SEARCH):
            value, gradient = self._evaluate(self.point + alpha * direction)
            if not (math.isfinite(value) and value <= self.value + ARMIJO * alpha * slope):
                high = alpha
            else:
                if best is None or value < best[1]:
                    best = (alpha, value, gradient)
                if float(gradient @ direction) >= WOLFE * slope:
                    return alpha, value, gradient
                low = alpha
            alpha = 0.5 * (low + high) if math.isfinite(high) else 2.0 * low
        return best


def update(inverse: Tensor, s: Tensor, y: Tensor, gradient: Tensor, alpha: float, first: bool) -> Tensor:
    """The inverse Hessian after a step s = -α H g, (n, n). `gradient`: g, before the step."""
    n, rho = len(s), 1.0 / float(y @ s)
    hy = inverse @ y
    yhy = float(y @ hy)
    h, b = rho * yhy, -alpha * rho * float(s @ gradient)
    a = max(b * h - 1.0, 1e-15)  # by Cauchy-Schwarz not negative; rounding may say otherwise
    c = math.sqrt(a / (1.0 + a))
    least = min(1.0, h * (1.0 - c))
    theta = max((least - 1.0) / a, min(1.0 / least, (1.0 - b) / b))
    sigma = abs(1.0 + theta * a) ** (1.0 / (1 - n)) if n > 1 else 1.0
    if first:
        tau = h / (1.0 + a * theta)
    elif theta <= 0:
        tau = min(min(1.0, 1.0 / b) * sigma, 1.0 + theta * a)
    else:
        tau = min(1.0, 1.0 / b) * min(sigma, 1.0 / theta)
    phi = (1.0 - theta) / (1.0 + a * theta)
    v = rho * s - hy / yhy
    inner = inverse - torch.outer(hy, hy) / yhy + phi * yhy * torch.outer(v, v)
    return inner / tau + rho * torch.outer(s, s)


def train(objective: Objective, theta: Tensor, ladder: Ladder, goal: Goal) -> Trained:
    """Until the goal is reached, nothing lower is found, or the iterations are spent.

    A line search needs one loss: the causal weights change only every WEIGHTS_EVERY iterations and when the ladder
    climbs. Raises UsageError if the inverse Hessian would be too large.
    """
    if len(theta) > MOST:
        raise UsageError(
            f"method=ssbroyden keeps a dense inverse Hessian: {len(theta)} unknowns are too many for it (at most"
            f" {MOST}); take fewer features or method=gauss-newton."
        )
    losses = objective.losses(theta).detach()
    seen: dict[str, Tensor] = {"weights": ladder.weights(losses), "losses": losses}

    def value_and_grad(point: Tensor) -> tuple[float, Tensor]:
        value, gradient, seen["losses"] = objective.loss(point, seen["weights"])
        return value, gradient

    stepper = Stepper(value_and_grad, theta.clone())
    iteration = 0
    while iteration < goal.iterations:
        losses = seen["losses"] = objective.losses(stepper.point).detach()
        rung, reached = ladder.rung, goal.reached(ladder, losses)
        if reached:
            break
        if ladder.active and (ladder.rung != rung or iteration % WEIGHTS_EVERY == 0):
            seen["weights"] = ladder.weights(losses)
            stepper.refresh()
        goal.tick()
        iteration += 1
        if not stepper.step():
            break
    losses = objective.losses(stepper.point).detach()
    done = ladder.climb(losses)
    return Trained(stepper.point, losses, ladder.weights(losses), done, iteration, stepper.evaluations + iteration)
