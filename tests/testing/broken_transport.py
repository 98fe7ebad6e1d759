"""A sound solver of transport problems, and for every check of its kit one that breaks just that promise."""

from __future__ import annotations

import contextlib
import time
from typing import Any, ClassVar

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from sciml import Run, Transport
from sciml.errors import Stopped
from sciml.solver import Solves
from sciml.transport import TransportSolution, TransportSolver


class Plain(TransportSolver):
    """Sinkhorn's iteration on logarithms; sound."""

    name: ClassVar[str] = "plain-sinkhorn"
    summary: ClassVar[str] = "Sinkhorn on logarithms, for tests"
    solves: ClassVar[Solves] = Solves(kind={"transport"}, cost={"squared euclidean"}, form={"points"})
    sweeps: ClassVar[int] = 100

    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        (r, c), eps = problem.weights, problem.eps
        r, c = r / r.sum(), c / c.sum()
        costs = cdist(problem.source.places, problem.target.places, "sqeuclidean")
        state = self.restored(run.restore()) or {"done": 0, "psi": np.zeros(len(c))}
        psi = np.asarray(state["psi"])
        for done in range(int(state["done"]), self.sweeps):
            run.step(done / self.sweeps, {"done": done, "psi": psi})
            phi = -eps * logsumexp((psi - costs) / eps, axis=1, b=c)
            psi = -eps * logsumexp((phi[:, None] - costs) / eps, axis=0, b=r[:, None])
        return TransportSolution(phi, psi, eps)

    def restored(self, state: Any) -> Any:
        return state


class NoSummary(Plain):
    summary: ClassVar[str] = ""


class AcceptsAnything(Plain):
    def cannot(self, problem: Transport) -> list[str]:
        return [] if problem.cost == "squared euclidean" and problem.form == "points" else super().cannot(problem)


class Float32(Plain):
    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        found = super().transport(problem, run)
        return TransportSolution(found.phi.astype(np.float32), found.psi, found.eps)


class Hasty(Plain):
    """Says OK after a sweep, half of which it forgets."""

    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        found = super().transport(problem, run)
        return TransportSolution(found.phi, 0.5 * found.psi, found.eps) if problem.name.startswith("points") else found


class Divides(Plain):
    """By weights, 0 or not."""

    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        found = super().transport(problem, run)
        with np.errstate(all="ignore"):
            return TransportSolution(found.phi * (problem.weights[0] / problem.weights[0]), found.psi, found.eps)


class Dice(Plain):
    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        found = super().transport(problem, run)
        return TransportSolution(found.phi + 1e-9 * np.random.normal(), found.psi, found.eps)


class Untidy(Plain):
    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        np.random.seed(int(time.time_ns()) % 2**31)
        return super().transport(problem, run)


class Sleeps(Plain):
    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        time.sleep(0.3)
        return super().transport(problem, Run())


class Swallows(Plain):
    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        with contextlib.suppress(Stopped):
            run.step(0.0)
        return super().transport(problem, Run())


class Forgets(Plain):
    """Goes on where it was, and does so from nothing."""

    def restored(self, state: Any) -> Any:
        return state and {"done": self.sweeps - 1, "psi": 0 * state["psi"]}


BROKEN = {
    "manifest": NoSummary, "fails-closed": AcceptsAnything, "answers": Float32, "accurate": Hasty,
    "takes-odd-measures": Divides, "repeatable": Dice, "tidy": Untidy, "stops-for-its-budget": Sleeps,
    "stops-for-ctrl-c": Swallows, "resumes": Forgets,
}  # fmt: skip
