"""Steps of the strong-stability-preserving Runge–Kutta scheme of order three (Shu & Osher, J. Comput. Phys. 77, 1988),
by the compiled kernel or in torch.

A step is the Courant number over Σ speed/width, less where diffusion or sources ask for it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import torch

from sciml.errors import RunFailed
from sciml.kernels import volume
from sciml.kernels.native.compile import notice
from sciml.problem import Array

from .balance import Balance
from .compiled import Compiled
from .ghosts import Moment

if TYPE_CHECKING:
    from ..solver import FiniteVolume

REAL_AXIS = 2.5  # how far the scheme is stable along the negative real axis
SOURCE = 1.0  # largest step times the rate of a source
USUAL = 0.5  # Courant number below which the other limits shrink with it
MOST_STEPS = 10**8  # between two outputs


class Stepper(ABC):
    """Holds the state; `advance` makes one step. path: what computes, for the record."""

    path: str

    def __init__(self, options: FiniteVolume, balance: Balance) -> None:
        finer = max(1.0, USUAL / options.cfl)  # so that a smaller number means smaller steps for every equation
        self.courant, self.rest, self.lively = options.cfl, finer * balance.stiffness / REAL_AXIS, finer / SOURCE

    @property
    @abstractmethod
    def state(self) -> Array:
        """(fields, *cells), a copy."""

    @abstractmethod
    def advance(self, time: float, left: float) -> float:
        """One step of at most `left`, which it divides; its length. Raises RunFailed."""

    def length(self, limits: tuple[float, float], left: float, time: float) -> float:
        """The longest stable step that divides what is left, by the limits of the latest rate."""
        speeds, source = limits
        need = speeds / self.courant + self.rest + self.lively * source
        if not math.isfinite(need):
            raise _not_finite(time)
        count = max(1, math.ceil(left * need * (1 - 1e-12)))
        if count > MOST_STEPS:
            raise _too_small(time)
        return left / count


def _not_finite(time: float) -> RunFailed:
    return RunFailed(f"finite-volume: the solution is not finite at t={time:g}.")


def _too_small(time: float) -> RunFailed:
    return RunFailed(f"finite-volume: the step became too small at t={time:g}.")


def stepper(options: FiniteVolume, balance: Balance, start: Array) -> Stepper:
    """Compiled on the CPU where there is a compiler."""
    if balance.device == "cpu" and volume.available():
        return CompiledStepper(options, balance, start)
    return TorchStepper(options, balance, start)


class TorchStepper(Stepper):
    """On any device."""

    def __init__(self, options: FiniteVolume, balance: Balance, start: Array) -> None:
        super().__init__(options, balance)
        self.balance, self.u = balance, torch.as_tensor(start, device=balance.device)
        self.path = "torch" if balance.device != "cpu" else f"torch: {notice('volume')}"

    @property
    def state(self) -> Array:
        found: Array = self.u.cpu().numpy()
        return found.copy()

    def advance(self, time: float, left: float) -> float:
        u, rate = self.u, self.balance.rate
        slope = rate(u, Moment(time))
        h = self.length(self.balance.limits, left, time)
        one = u + h * slope
        two = (0.75 * u).add_(one + h * rate(one, Moment(time, h, 1)), alpha=0.25)
        three = rate(two, Moment(time, h, 2))
        self.u = (u / 3).add_(two + h * three, alpha=2 / 3)
        return h


class CompiledStepper(Stepper):
    """Whole steps in one call where nothing that is given depends on time; else a call for each stage."""

    path = "compiled"

    def __init__(self, options: FiniteVolume, balance: Balance, start: Array) -> None:
        super().__init__(options, balance)
        self.compiled = Compiled(balance, torch.get_num_threads())
        self.u = np.array(start, dtype=np.float64, order="C")
        self.slope, self.one = np.empty_like(self.u), np.empty_like(self.u)

    @property
    def state(self) -> Array:
        return self.u.copy()

    def advance(self, time: float, left: float) -> float:
        if not self.compiled.still:
            return self._staged(time, left)
        self.compiled.hand_over(self.u, Moment(time))
        try:
            return self.compiled.volume.step(self.u, time, left, self.courant, self.rest, self.lively, MOST_STEPS)
        except volume.NotFinite:
            raise _not_finite(time) from None
        except volume.TooSmall:
            raise _too_small(time) from None

    def _staged(self, time: float, left: float) -> float:
        u, k, one, rate = self.u, self.slope, self.one, self.compiled.rate
        rate(u, Moment(time), k)
        h = self.length(self.compiled.limits, left, time)
        k *= h
        np.add(u, k, out=one)
        rate(one, Moment(time, h, 1), k)
        k *= h
        k += one
        k *= 0.25
        np.multiply(u, 0.75, out=one)
        one += k
        rate(one, Moment(time, h, 2), k)
        k *= h
        k += one
        k *= 2 / 3
        u /= 3
        u += k
        return h
