"""One factorisation, or two of neighbouring degrees whose difference is the estimated error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.linalg import splu

from sciml.equation import tree
from sciml.errors import RunFailed
from sciml.problem import Array, Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from ..multigrid.elliptic import Elliptic
from .assembly import Elements

if TYPE_CHECKING:
    from ..solver import SpectralElement

ROUNDING = 1e-8  # relative residual that a factorisation must reach


def solve(options: SpectralElement, problem: Problem, run: Run) -> Solution:
    """Values at the corners of the cells, which are the problem's grid."""
    form = Elliptic.of(problem, indefinite=True)
    if form.c == tree.ZERO and not any(face == "dirichlet" for axis in problem.grid.axes for face in axis.faces):
        raise RunFailed(f"{problem.name}: the solution is determined up to a constant only; multigrid takes that.")
    degrees = (options.degree - 1, options.degree) if options.estimate and options.degree > 2 else (options.degree,)
    found: list[Array] = []
    residual, unknowns = 0.0, 0
    for index, degree in enumerate(degrees):
        run.step(index / len(degrees), None, f"degree {degree}")
        u, residual, unknowns = _solved(Elements(problem, form, degree))
        found.append(np.ascontiguousarray(u[::degree, ::degree]))
    run.step(1.0)
    cost = {"unknowns": float(unknowns), "relative_residual": residual}
    complaints = [f"the relative residual is {residual:.1e}"] if residual > ROUNDING else []
    if len(found) > 1:
        estimate = float(np.abs(found[1] - found[0]).max() / np.abs(found[1]).max())
        cost["estimated_error"] = estimate
        if not estimate <= options.accuracy:
            complaints.append(f"the estimated relative error is {estimate:.1e}, wanted was {options.accuracy:.1e}")
    return Solution(
        values={problem.equation.fields[0]: found[-1][None]},
        status=Status.INACCURATE if complaints else Status.OK, message="; ".join(complaints), cost=cost,
    )  # fmt: skip


def _solved(elements: Elements) -> tuple[Array, float, int]:
    """Values at all nodes, the relative residual, and how many were unknown."""
    values, fixed, right = elements.given()
    free = ~fixed.ravel()
    whole = elements.matrix
    a = whole[free][:, free].tocsc()
    b = right.ravel()[free] - whole[free] @ values.ravel()
    try:
        x = splu(a, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(b)
    except RuntimeError:
        raise RunFailed(
            f"{elements.problem.name}: the matrix is singular: the problem is at a resonance."
        ) from None
    u = values.ravel().copy()
    u[free] = x
    residual = float(np.linalg.norm(a @ x - b) / (np.linalg.norm(b) or 1.0))
    return u.reshape(values.shape), residual, len(x)
