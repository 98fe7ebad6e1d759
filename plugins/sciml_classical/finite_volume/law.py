"""An evolution equation read as a balance law; torch is not needed, so that a solver can refuse with it.

u_t = -Σ_a ∂_a f_a(u, x, t) - Σ_a ∂_a (c_a q) + Σ_a D_a ∂_aa u + s(u, x, t), where c is a given velocity or one of a
stream function Δ⁻¹w. Products are taken apart; what is left over is refused with a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

from sciml.equation import tree as t
from sciml.errors import UsageError
from sciml.problem import Problem

from .products import antiderivative, expanded, functional, pointwise, split, spoken


@dataclass(frozen=True)
class Carried:
    """A flux velocity(x, t) · field along an axis, in the balance of `balance`."""

    axis: int
    balance: int
    field: int
    velocity: t.Expr


@dataclass(frozen=True)
class Streamed:
    """A flux coefficient · (∂_y Φ, -∂_x Φ) · field with ΔΦ = source, in the balance of `balance`."""

    balance: int
    field: int
    source: int
    coefficient: float


@dataclass(frozen=True)
class Diffused:
    """coefficient · ∂²field along an axis, in the balance of `balance`."""

    axis: int
    balance: int
    field: int
    coefficient: float


@dataclass(frozen=True)
class Law:
    """fluxes[axis][balance] and sources[balance] are pointwise in fields, coordinates and t."""

    fields: tuple[str, ...]
    axes: tuple[str, ...]
    fluxes: tuple[tuple[t.Expr, ...], ...]
    sources: tuple[t.Expr, ...]
    carried: tuple[Carried, ...]
    streamed: tuple[Streamed, ...]
    diffused: tuple[Diffused, ...]

    @classmethod
    def of(cls, problem: Problem) -> Law:
        """Raises UsageError for a term that is not of this form."""
        equation = problem.equation
        reader = _Reader(equation.fields, equation.axes)
        for balance, rate in enumerate(equation.numeric_rates().values()):
            for scale, orders, term in split(rate):
                reader.term(balance, scale, orders, term)
        law = reader.law()
        if law.streamed and not all(axis.periodic for axis in problem.grid.axes):
            raise UsageError("a stream function needs periodic axes.")
        return law

    def jacobian(self, axis: int) -> tuple[tuple[t.Expr, ...], ...]:
        """∂fluxes[axis][g]/∂field, without what is carried."""
        return tuple(tuple(t.partial(flux, t.Field(f)) for f in self.fields) for flux in self.fluxes[axis])

    @property
    def linear(self) -> bool:
        """Whether all fluxes are constants times fields: then averages over faces need no further care."""
        entries = [entry for axis in range(len(self.axes)) for row in self.jacobian(axis) for entry in row]
        given = [t.Coordinate(a) for a in (*self.axes, "t")]
        still = all(t.partial(flux, c) == t.ZERO for fluxes in self.fluxes for flux in fluxes for c in given)
        return still and not self.carried and not self.streamed and all(isinstance(e, t.Number) for e in entries)


class _Reader:
    def __init__(self, fields: tuple[str, ...], axes: tuple[str, ...]) -> None:
        self.fields, self.axes = fields, axes
        self.fluxes: list[list[list[t.Expr]]] = [[[] for _ in fields] for _ in axes]
        self.sources: list[list[t.Expr]] = [[] for _ in fields]
        self.carried: list[Carried] = []
        self.diffused: list[Diffused] = []
        self.streams: dict[tuple[int, int, int], list[float]] = {}  # coefficient by axis

    def law(self) -> Law:
        streamed = []
        for (balance, field, source), (first, second) in self.streams.items():
            if abs(first - second) > 1e-14 * abs(first):
                raise UsageError("the velocity from inverse_laplacian is not (psi_y, -psi_x) of one stream function.")
            streamed.append(Streamed(balance, field, source, first))
        return Law(
            self.fields, self.axes, tuple(tuple(t.add(*terms) for terms in rows) for rows in self.fluxes),
            tuple(t.add(*terms) for terms in self.sources), tuple(self.carried), tuple(streamed), tuple(self.diffused),
        )  # fmt: skip

    def term(self, balance: int, scale: float, orders: t.Orders, term: t.Expr) -> None:
        """scale · ∂^orders term in the rate of field `balance`."""
        total = sum(n for _, n in orders)
        if total == 0 and pointwise(term):
            self.sources[balance].append(t.multiply(t.Number(scale), term))
        elif total == 0:
            for product in expanded(term):
                self._product(balance, scale, product)
        elif total == 1 and pointwise(term):
            axis = self.axes.index(orders[0][0])
            self._flux(balance, axis, t.multiply(t.Number(-scale), term))
        elif total == 1:
            for product in expanded(term):
                factors = product.factors if isinstance(product, t.Product) else (product,)
                carrier = [f for f in factors if isinstance(f, t.Field)]
                rest = t.multiply(*(f for f in factors if not isinstance(f, t.Field)))
                if len(carrier) != 1 or not self._stream(balance, scale, orders[0][0], rest, carrier[0].name):
                    raise UsageError(self._no(term, orders))
        elif total == 2 and len(orders) == 1 and isinstance(term, t.Field):
            field = self.fields.index(term.name)
            if field == balance and scale < 0:
                raise UsageError(f"{self._no(term, orders)}, a diffusion of negative sign")
            self.diffused.append(Diffused(self.axes.index(orders[0][0]), balance, field, scale))
        else:
            raise UsageError(self._no(term, orders))

    def _no(self, term: t.Expr, orders: t.Orders = ()) -> str:
        return f"it has no flux for the term {spoken(t.derivative(term, orders) if orders else term)}"

    def _flux(self, balance: int, axis: int, flux: t.Expr) -> None:
        """A pointwise flux; given functions times a field are carried, so that constants stay constant."""
        factors = flux.factors if isinstance(flux, t.Product) else (flux,)
        fields = [f for f in factors if isinstance(f, t.Field)]
        rest = t.multiply(*(f for f in factors if not isinstance(f, t.Field)))
        named = [n for n in t.walk(rest) if isinstance(n, (t.Field, t.Coordinate))]
        if len(fields) == 1 and named and not any(isinstance(n, t.Field) for n in named):
            self.carried.append(Carried(axis, balance, self.fields.index(fields[0].name), rest))
        else:
            self.fluxes[axis][balance].append(flux)

    def _product(self, balance: int, scale: float, product: t.Expr) -> None:
        """scale · factors · ∂_a q, as a flux and a source."""
        factors = product.factors if isinstance(product, t.Product) else (product,)
        slopes = [
            f for f in factors
            if isinstance(f, t.Derivative) and isinstance(f.of, t.Field) and sum(n for _, n in f.orders) == 1
        ]  # fmt: skip
        if len(slopes) != 1:
            raise UsageError(self._no(product))
        (slope,), rest = slopes, t.multiply(*(f for f in factors if f is not slopes[0]))
        assert isinstance(slope.of, t.Field)
        field, name = slope.of, slope.orders[0][0]
        axis = self.axes.index(name)
        if not pointwise(rest):
            if not self._stream(balance, scale, name, rest, field.name):
                raise UsageError(self._no(product))
            return
        held = {n.name for n in t.walk(rest) if isinstance(n, t.Field)}
        if not held:  # c q_x = (c q)_x - c_x q
            velocity = t.multiply(t.Number(-scale), rest)
            self._flux(balance, axis, t.multiply(velocity, field))
            self.sources[balance].append(t.multiply(t.partial(velocity, t.Coordinate(name)), field))
            return
        flux = antiderivative(rest, field.name) if held == {field.name} else None
        if flux is None:
            raise UsageError(f"{self._no(product)}, which is not the derivative of one")
        self.fluxes[axis][balance].append(t.multiply(t.Number(-scale), flux))

    def _stream(self, balance: int, scale: float, axis: str, rest: t.Expr, field: str) -> bool:
        """scale · rest · ∂_axis field with rest = c ∂_b Δ⁻¹w, b the other axis."""
        found = functional(rest)
        if found is None or len(self.axes) != 2:
            return False
        source, other, c = found
        if other == axis:
            return False
        key = (balance, self.fields.index(field), self.fields.index(source))
        first = self.axes.index(axis) == 0
        self.streams.setdefault(key, [0.0, 0.0])[0 if first else 1] += -scale * c if first else scale * c
        return True
