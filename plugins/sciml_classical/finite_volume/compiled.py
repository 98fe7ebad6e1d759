"""The balance of `balance.py` by the compiled kernel: the same numbers to rounding, on arrays of numpy."""

from __future__ import annotations

import re

import numpy as np
import torch

from sciml.equation import tree as t
from sciml.kernels import volume
from sciml.problem import SIDES, Array

from .balance import Balance
from .ghosts import Moment
from .law import Law

WORTH = 1 << 16  # cells of a plane below which a second thread costs more than it saves


class Compiled:
    """`rate(u, moment)` and `step`, as of the `Balance` that it reads; u: (fields, *cells).

    What is given (velocities, boundary data, sources without fields) is handed over once, or before every stage where
    it depends on time; so are velocities of a stream function where the cells along an axis have other factors than 2,
    3, 5.
    """

    def __init__(self, balance: Balance, threads: int = 1) -> None:
        law, mesh, options = balance.law, balance.mesh, balance.options
        self.balance, self.law, self.mesh = balance, law, mesh
        self.carried = [_carried(law, axis) for axis in range(balance.dim)]
        nonlinear = balance.sources.nonlinear
        told = volume.Balance(
            law.fields, law.axes,
            options.limiter if options.reconstruction == "muscl" else options.reconstruction, balance.turns,
            balance.sources.care, [self._along(axis) for axis in range(balance.dim)],
            [s if s in nonlinear else t.ZERO for s in law.sources],
            np.stack([balance.ghosts.tables[given].cpu().numpy() for given in (False, True)]),
            balance.ghosts.to_face[0].cpu().numpy(),
        )  # fmt: skip
        several = threads if int(np.prod(mesh.cells)) >= WORTH else 1
        self.volume = volume.Volume(
            told, mesh.cells, mesh.widths, [mesh.start(a) for a in range(balance.dim)],
            [axis.periodic for axis in mesh.axes], several,
        )  # fmt: skip
        self.given = [k for k, s in enumerate(law.sources) if s != t.ZERO and s not in nonlinear]
        self.faces = [
            (axis, side) for axis in range(balance.dim) for side in range(2)
            if mesh.axes[axis].faces[side] == "dirichlet"
        ]  # fmt: skip
        self.streams = bool(law.streamed) and self._streams()
        self.moving_velocity = (bool(law.streamed) and not self.streams) or any(
            _moves(c.velocity) for c in law.carried
        )
        self.moving_sources = any(_moves(law.sources[k]) for k in self.given)
        texts = mesh.problem.boundary_text
        given = [text for by in texts.values() for sides in by.values() for text in sides.values()]
        self.moving_faces = any(re.search(r"\bt\b", text) for text in given)
        self.handed = False

    @property
    def still(self) -> bool:
        """Whether nothing needs to be handed over between the stages of a step."""
        return not (self.moving_velocity or self.moving_sources or (self.moving_faces and self.faces))

    def _along(self, axis: int) -> volume.Along:
        flux = self.balance.along[axis]
        diffused = [(d.balance, d.field, d.coefficient) for d in self.law.diffused if d.axis == axis]
        slopes = {(g, f): flux.jacobian[g][f] for g, f in flux.coupled}
        return volume.Along(flux.fluxes, slopes, self.carried[axis], diffused)

    def _streams(self) -> bool:
        """Whether the kernel finds the velocities of stream functions, which needs transforms of these sizes."""
        terms = [
            (s.source, axis, self.carried[axis].index((s.balance, s.field)), s.coefficient)
            for s in self.law.streamed for axis in range(2)
        ]  # fmt: skip
        return self.volume.stream(self.balance.velocities.corners.numpy(), terms)

    def hand_over(self, u: Array, moment: Moment) -> None:
        """What the rate of u at that moment depends on."""
        if self.moving_velocity or not self.handed:
            velocities = self.balance.velocities
            moves = (
                velocities.given_on_faces(moment.time) if self.streams
                else velocities.on_faces(torch.from_numpy(u), moment.time)
            )  # fmt: skip
            for axis, found in enumerate(moves):
                for key, velocity in found.items():
                    self.volume.carry(axis, self.carried[axis].index(key), velocity.numpy(), self.balance.turns)
        if self.moving_faces or not self.handed:
            for axis, side in self.faces:
                values = self.balance.ghosts.ends(axis, moment)[side]
                assert values is not None, (self.mesh.axes[axis].name, SIDES[side])
                self.volume.give(axis, side, values.numpy())
        if self.moving_sources or not self.handed:
            for k in self.given:
                self.volume.feed(k, self.balance.sources.fixed_averages(k, moment.time).numpy())
        self.handed = True

    def rate(self, u: Array, moment: Moment, out: Array | None = None) -> Array:
        self.hand_over(u, moment)
        found, self.limits = self.volume.rate(u, moment.time, out)
        return found


def _carried(law: Law, axis: int) -> list[tuple[int, int]]:
    """The pairs (balance, field) that `Velocities.on_faces` will have along an axis."""
    own = {(c.balance, c.field) for c in law.carried if c.axis == axis}
    return sorted(own | {(s.balance, s.field) for s in law.streamed})


def _moves(expression: t.Expr) -> bool:
    return any(n == t.Coordinate("t") for n in t.walk(expression))
