"""The manifests of `sinkhorn-newton` and `light-sb`: abilities and options. No numerics, no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sciml.run import Run
from sciml.solver import Solves
from sciml.transport import Transport, TransportSolution, TransportSolver
from sciml.transport.routes import no_way


class SinkhornNewton(TransportSolver):
    """Sinkhorn's algorithm, left as soon as truncated Newton steps on the dual are predicted to be cheaper."""

    name: ClassVar[str] = "sinkhorn-newton"
    summary: ClassVar[str] = "Sinkhorn, then damped truncated Newton steps (entropic transport)"
    solves: ClassVar[Solves] = Solves(
        kind={"transport"}, cost={"squared euclidean", "euclidean", "l1"}, form={"points", "grid", "matrix"}
    )
    devices: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda"})
    citation: ClassVar[str] = (
        "@inproceedings{TangEtAl2024, author={Tang, X. and Shavlovsky, M. and Rahmanian, H. and Tardini, E. and"
        " Thekumparampil, K. K. and Xiao, T. and Ying, L.}, title={Accelerating {S}inkhorn algorithm with sparse"
        " {N}ewton iterations}, booktitle={ICLR}, year={2024}}"
    )
    tolerance: float = Field(1e-9, gt=0, lt=1, description="marginal error to be reached, of masses 1")
    start: float = Field(100.0, gt=0, description="first value of (spread of the costs)/eps; smaller eps come after it")
    anneal: float = Field(2.0, ge=1, le=100, description="factor between one eps and the next; 1: the file's eps alone")
    switch: int = Field(0, ge=0, description="sweeps before Newton steps at each eps; 0: as the measured rates advise")
    limit: float = Field(1e6, gt=0, description="most work, in passes over a plan")
    path: Literal["auto", "dense", "separable", "streaming"] = Field(
        "auto", description="costs: stored, separable over a grid's axes, or made anew in every pass; auto: what fits"
    )
    threads: int = Field(1, ge=1, le=256, description="of the compiled kernels, where costs are not separable")
    divergence: bool = Field(False, description="the Sinkhorn divergence too: two more problems, of points or grids")

    def cannot(self, problem: Transport) -> list[str]:
        reason = no_way(problem, self.path)
        reasons = super().cannot(problem) + ([reason] if reason else [])
        if self.divergence and problem.matrix is not None:
            reasons.append("divergence=true needs places, and here the cost is a matrix")
        return reasons

    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        from .answer import answer

        return answer(self, problem, run)


class LightBridge(TransportSolver):
    """A Schroedinger bridge between the two measures as samples, its potential a mixture of Gaussians.

    What is scored is the discrete plan of its potential: phi at the source's points, psi its soft c-transform.
    """

    name: ClassVar[str] = "light-sb"
    summary: ClassVar[str] = "light Schroedinger bridge: a mixture of Gaussians as potential, learnt from samples"
    solves: ClassVar[Solves] = Solves(kind={"transport"}, cost={"squared euclidean"}, form={"points", "grid"})
    citation: ClassVar[str] = (
        "@inproceedings{KorotinEtAl2024, author={Korotin, A. and Gushchin, N. and Burnaev, E.}, title={Light"
        " {S}chr{\\\"o}dinger bridge}, booktitle={ICLR}, year={2024}}"
    )
    components: int = Field(10, ge=1, le=1000, description="Gaussians of the mixture")
    rounds: int = Field(40, ge=1, description="most rounds of L-BFGS")
    iterations: int = Field(20, ge=1, description="iterations of a round")
    tolerance: float = Field(1e-9, gt=0, description="gain of the objective in a round at which it stops")

    def cannot(self, problem: Transport) -> list[str]:
        most = int((problem.target.weights > 0).sum())
        few = f"components={self.components} is more than the {most} places of the target"
        return super().cannot(problem) + ([few] if self.components > most else [])

    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        from .bridge.answer import answer

        return answer(self, problem, run)
