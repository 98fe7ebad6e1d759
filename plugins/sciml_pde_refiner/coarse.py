"""The classical step under the network: Krogstad's ETDRK4 for a batch of problems, each with a domain and numbers of
its own, on one common set of modes.

The state has more modes than the data's grid can show. Samples of a field on the grid alias what they do not show;
for strongly damped modes that part is known all the same: they follow the others, L_k û_k + N_k(u) = 0 to leading
order (the approximate inertial manifold of Foias, Manley & Temam, Math. Model. Numer. Anal. 22, 1988).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sciml.equation import tree
from sciml.errors import UsageError
from sciml.numerics.exponential import Etdrk4
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.pseudospectral import PseudoSpectral, torch_function
from sciml.problem import Problem

DAMPED = 10.0  # a mode that decays by e^-10 within a step follows the others
SWEEPS = 3  # of taking the followers' aliases out of the samples


class Batch:
    """du/dt = L u + N(u) of B problems of one family. State: (…, B, fields, *modes), complex128."""

    def __init__(self, problems: Sequence[Problem], modes: Sequence[int], device: str = "cpu") -> None:
        systems = [PseudoSpectral(p.equation, basis(p, modes, device)) for p in problems]
        first = self.first = systems[0]
        self.basis, self.shape, self.dim = first.basis, first.shape, first.basis.dim
        self.fields = first.fields
        if any(s.form.products != first.form.products for s in systems):
            raise UsageError("pde-refiner: method=hybrid needs parameters to multiply whole terms, not parts of one.")
        self.fixed = all(s.basis.lower == self.basis.lower and s.basis.lengths == self.basis.lengths for s in systems)
        if not self.fixed and any(isinstance(n, tree.Coordinate) for p in first.form.products for n in tree.walk(p)):
            raise UsageError("pde-refiner: method=hybrid with coordinates in the equation needs one domain for all.")
        if not first.uncoupled:
            raise UsageError("pde-refiner: method=hybrid needs fields without linear coupling between them.")
        self.linear = torch.stack([s.diagonal for s in systems])
        self.atoms = [torch.stack([s.atoms[i] for s in systems]) for i in range(len(first.atoms))]
        self.outer = [
            [
                (torch.stack([s.basis.symbol(s.form.outer[field][place][0]) for s in systems]), j)
                for place, (_, j) in enumerate(first.form.outer[field])
            ]
            for field in self.fields
        ]
        self.tables: dict[float, Etdrk4] = {}
        self.evaluations = 0

    def nonlinear(self, state: Tensor, t: float = 0.0) -> Tensor:
        """N(û)."""
        self.evaluations += 1
        axis = -self.dim - 1
        grids = state.new_zeros(0)  # of a linear equation there are none
        if self.atoms:
            grids = self.basis.to_grid(torch.stack([(row * state).sum(axis) for row in self.atoms]), self.shape)

        def leaf(node: tree.Expr) -> Tensor | float:
            if isinstance(node, tree.Atom):
                return grids[node.index]
            assert isinstance(node, tree.Coordinate)
            return self.first.coordinates[node.name]

        full = (*state.shape[:axis], *self.shape)
        spectra = []
        for product in self.first.form.products:
            value = torch.as_tensor(tree.evaluate(product, leaf, torch_function), dtype=torch.float64)
            spectra.append(self.basis.from_grid(value.expand(full)))
        rows = [
            sum((symbol * spectra[j] for symbol, j in terms), start=torch.zeros_like(state.select(axis, 0)))
            for terms in self.outer
        ]
        return torch.stack(rows, axis)

    def rate(self, state: Tensor) -> Tensor:
        """dû/dt."""
        return self.linear * state + self.nonlinear(state)

    def table(self, h: float) -> Etdrk4:
        if h not in self.tables:
            self.tables[h] = Etdrk4.build(self.linear, h)
        return self.tables[h]

    def march(self, state: Tensor, h: float, steps: int) -> Tensor:
        """`steps` steps of size h."""
        table = self.table(h)
        for _ in range(steps):
            state = table.advance(state, 0.0, self.nonlinear, self.nonlinear(state))
        return state

    def values(self, state: Tensor, grid: Sequence[int]) -> Tensor:
        """On the data's grid, (…, B, fields, *grid)."""
        return self.basis.sample(state, grid)

    def coefficients(self, values: Tensor) -> Tensor:
        """The trigonometric interpolant of grid values, truncated where the basis has fewer modes than the grid."""
        return interpolant(values, self.basis.modes)

    def completed(self, values: Tensor, step: float) -> Tensor:
        """Coefficients of grid values with the modes beyond the grid that follow the others (see the module)."""
        grid = values.shape[-self.dim :]
        follows = (self.linear.real < -DAMPED / step) & ~self._told_apart(grid)
        safe = torch.where(follows, self.linear, 1.0)
        state = self.coefficients(values)
        for _ in range(SWEEPS):
            beyond = torch.where(follows, -self.nonlinear(state) / safe, 0.0)
            state = self.coefficients(values - self.values(beyond, grid)) + beyond
        return state

    def _told_apart(self, grid: Sequence[int]) -> Tensor:
        """Whether a grid tells a mode from the others, of the shape of the basis."""
        result = torch.ones(self.basis.shape, dtype=torch.bool, device=self.basis.device)
        for axis, n in enumerate(grid):
            name, length = self.basis.axes[axis], self.basis.lengths[axis]
            number = (self.basis.wavenumbers[name] * (length / (2 * math.pi))).round().abs()
            result = result & (number <= (n - 1) // 2)
        return result


def interpolant(values: Tensor, modes: Sequence[int]) -> Tensor:
    """(…, *grid) to coefficients (…, *shape of a basis). The highest wave of an even axis, whose sine no grid shows,
    is taken as a cosine: half of it goes to each sign of the wavenumber. Sampled again, all values return."""
    dim = len(modes)
    spectrum = torch.fft.rfft(values, norm="forward")
    for axis in range(-dim, -1):
        spectrum = torch.fft.fft(spectrum, dim=axis, norm="forward")
    for axis, (n, k) in enumerate(zip(values.shape[-dim:], modes, strict=True), start=-dim):
        half, last = n // 2, axis == -1
        ahead = spectrum.narrow(axis, 0, half + 1).clone()
        behind = spectrum.narrow(axis, n - half, half).clone() if not last else ahead.narrow(axis, 0, 0)
        if n % 2 == 0:
            ahead.narrow(axis, half, 1).mul_(0.5)
            if not last:
                behind.narrow(axis, 0, 1).mul_(0.5)
        kept, room = min(k, half), list(ahead.shape)
        room[axis] = (k - kept) * (1 if last else 2)
        parts = [ahead.narrow(axis, 0, kept + 1), ahead.new_zeros(room)]
        if not last:
            parts.append(behind.narrow(axis, half - kept, kept))
        spectrum = torch.cat(parts, axis)
    result: Tensor = spectrum
    return result


def basis(problem: Problem, modes: Sequence[int], device: str = "cpu") -> FourierBasis:
    """The problem's box with that many modes per axis."""
    axes = problem.grid.axes
    return FourierBasis(
        tuple(a.name for a in axes), tuple(a.lower for a in axes), tuple(a.length for a in axes), tuple(modes), device
    )
