"""The manifests of the classical transport solvers, and how they answer. No torch here."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from sciml.kernels.transport import MOST_COSTS
from sciml.run import Run
from sciml.solution import Status
from sciml.solver import Solves
from sciml.transport import Transport, TransportSolution, TransportSolver
from sciml.transport.routes import no_way, task_of

ANY = Solves(
    kind={"transport"}, cost={"squared euclidean", "euclidean", "l1"}, form={"points", "grid", "matrix"}
)
STREAMED = 20  # sweeps between two states that can be resumed, where a sweep is dear


class Sinkhorn(TransportSolver):
    """Row and column scalings in turn, on a plan made anew before they leave the range of double precision."""

    name: ClassVar[str] = "sinkhorn"
    summary: ClassVar[str] = "Sinkhorn's algorithm, stabilised by absorption (entropic transport)"
    solves: ClassVar[Solves] = ANY
    devices: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda"})
    citation: ClassVar[str] = (
        "@article{Schmitzer2019, author={Schmitzer, B.}, title={Stabilized sparse scaling algorithms for entropy"
        " regularized transport problems}, journal={SIAM J. Sci. Comput.}, volume={41},"
        " pages={A1443--A1481}, year={2019}}"
    )
    tolerance: float = Field(1e-9, gt=0, lt=1, description="marginal error to be reached, of masses 1")
    sweeps: int = Field(100_000, ge=1, description="most sweeps")
    path: Literal["auto", "dense", "separable", "streaming"] = Field(
        "auto", description="costs: stored, separable over a grid's axes, or made anew in every pass; auto: what fits"
    )
    threads: int = Field(1, ge=1, le=256, description="of the compiled kernels, where costs are not separable")

    def cannot(self, problem: Transport) -> list[str]:
        reason = no_way(problem, self.path)
        return super().cannot(problem) + ([reason] if reason else [])

    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        from sciml.numerics.transport.progress import reporting, series
        from sciml.numerics.transport.sinkhorn import solve

        task = task_of(problem, self.path, self.threads, run.device)
        run.took("transport", task.geometry.path)
        each = 500 if getattr(task.geometry, "stored", True) else STREAMED
        report, begin = reporting(run, self.tolerance), run.restore()
        found = solve(task, problem.eps, self.tolerance, self.sweeps, each, report, begin)
        return TransportSolution(
            found.phi, found.psi, problem.eps, Status.OK if found.converged else Status.INACCURATE,
            message=found.reason, cost=found.counts, history=series(found.history),
        )  # fmt: skip


class ExactTransport(TransportSolver):
    """The linear programme without entropy. Of a problem's eps it makes no use: its cost is what others tend to."""

    name: ClassVar[str] = "exact-transport"
    summary: ClassVar[str] = "network simplex of POT: transport without entropy"
    solves: ClassVar[Solves] = ANY
    citation: ClassVar[str] = (
        "@article{BonneelEtAl2011, author={Bonneel, N. and van de Panne, M. and Paris, S. and Heidrich, W.},"
        " title={Displacement interpolation using {L}agrangian mass transport}, journal={ACM Trans. Graph.},"
        " volume={30}, number={6}, year={2011}}"
    )
    iterations: int = Field(10_000_000, ge=1, description="most pivots")

    def cannot(self, problem: Transport) -> list[str]:
        n, m = problem.shape
        large = [f"it needs the matrix of costs, and {n} x {m} entries are too many"] if n * m > MOST_COSTS else []
        return super().cannot(problem) + large

    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        from scipy.sparse import csr_matrix

        from sciml.numerics.transport.exact import solve
        from sciml.transport.solution import SparsePlan

        run.step(0.0, None, "network simplex")
        found = solve(task_of(problem), self.iterations)
        plan = csr_matrix(found.plan)
        kept = SparsePlan(plan.indptr.astype(np.int64), plan.indices.astype(np.int32), plan.data)
        return TransportSolution(
            found.phi, found.psi, 0.0, plan=kept, message="the network simplex is at its optimum; eps plays no part",
            cost={"entries": float(plan.nnz)},
        )  # fmt: skip
