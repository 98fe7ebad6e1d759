"""What survives an interruption: kernels learnt and planes solved so far. The rest is recomputed, the same again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from sciml.problem import Array
from sciml.run import Run

from .evidence import Evidence
from .features import Features
from .kernel import Mixture
from .learning import Learnt, cold, learn, warm


class Progress:
    """A run, what is known in it by name, and what goes into history and cost."""

    def __init__(self, run: Run, iterations: int) -> None:
        self.run, self.iterations = run, iterations
        self.known: dict[str, Array] = dict(run.restore() or {})
        self.used: list[Learnt] = []
        self.history: dict[str, list[float]] = {}
        self.steps = 0

    def log(self, **values: float) -> None:
        for key, value in values.items():
            self.history.setdefault(key, []).append(float(value))

    def tick(self, note: str) -> None:
        """Show progress; stop here when asked to. How many kernels there will be is not known beforehand."""
        self.run.step(1 - 0.8 ** (1 + len(self.used)), lambda: self.known, note)

    def learn(
        self, name: str, terms: Sequence[Evidence], features: Features, bases: Sequence[Mixture], before: Learnt | None
    ) -> Learnt:
        """The most likely kernel, over the given ones of different envelope; `before`: where to start, too."""
        if name in self.known:
            best = unpack(self.known[name], len(bases[0].frequency))
        else:
            tried = []
            for base in bases:
                starts = cold(terms, base)
                same = before is not None and before.mixture.smoothness == base.smoothness
                if before is not None and same and len(before.log_noise) == len(terms):
                    starts = [warm(before), *starts[:1]]
                tick = partial(self.tick, f"likelihood of {features.count} features, {name}")
                tried.append(learn(terms, features, base, starts, self.iterations, tick))
            best = max(tried, key=lambda one: one.value)
            self.known[name] = pack(best, sum(one.evaluations for one in tried))
            best = unpack(self.known[name], len(bases[0].frequency))
        self.used.append(best)
        self.log(log_likelihood=best.value)
        return best

    def costs(self) -> dict[str, float]:
        return {
            "likelihood_evaluations": float(sum(found.evaluations for found in self.used)),
            "gauss_newton_steps": float(self.steps),
        }


def pack(found: Learnt, evaluations: int) -> Array:
    head = [found.mixture.smoothness, found.value, float(evaluations)]
    return np.concatenate([head, found.mixture.vector, found.log_noise])


def unpack(stored: Array, components: int) -> Learnt:
    smoothness, value, evaluations = (float(v) for v in stored[:3])
    weight, length, frequency = stored[3 : 3 + 3 * components].reshape(3, -1)
    mixture = Mixture(weight, length, frequency, smoothness)
    return Learnt(mixture, stored[3 + 3 * components :], value, int(evaluations))
