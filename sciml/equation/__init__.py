"""An equation, written as text, and what solvers may ask of it.

    equation = Equation.parse(["u_t = -a*u*u_x - b*u_xx"], fields=["u"], axes=["x"],
                              parameters={"a": 1.0, "b": 0.5})
    equation.semilinear   # u_t = L u + Σ D_j g_j(atoms): spectral methods
    equation.strong       # u_t = F(u, u_x, …): collocation methods
    equation.latex()      # for reports

`field_t = …` for every field is an evolution equation; `left = right` with anything else on the left, such
as `u_xx + u**3 = f`, is a steady one, whose residual left - right stands where the rate would.

Grammar: + - * / **, numbers, declared names, derivatives by suffix (`u_xx`), the functions in
`tree.FUNCTIONS`, `laplacian(e)`, `inverse_laplacian(e)`, `dot_grad(u, v, w)`, `d_x(e)`, and named
definitions (`psi = inverse_laplacian(-w)`) placed before their use. In a space of many dimensions there are
no axes but vectors (`indexed`), whose entries stand in sums: see `indexed`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar

from ..errors import UsageError
from . import tree
from .conservative import conservative
from .forms import (
    Functional,
    Monomial,
    Operator,
    SemilinearForm,
    StrongForm,
    as_atoms,
    localised,
    polynomial_degree,
    semilinear,
    strong,
)
from .parse import Names, parse_expression, parse_statements

F = TypeVar("F", SemilinearForm, StrongForm)

__all__ = [
    "Equation", "Functional", "Monomial", "Names", "Operator", "SemilinearForm", "StrongForm",
    "parse_expression", "tree",
]  # fmt: skip


@dataclass(frozen=True)
class Equation:
    """First order in time, `field_t = rate` for every field; or steady, `0 = rate` for every field."""

    statements: tuple[str, ...]
    fields: tuple[str, ...]
    axes: tuple[str, ...]
    parameters: Mapping[str, float]
    rates: Mapping[str, tree.Expr] = field(compare=False, repr=False)
    definitions: Mapping[str, tree.Expr] = field(compare=False, repr=False)
    steady: bool = False
    indexed: tuple[str, ...] = ()  # the point's coordinates, then coefficient vectors
    given: tuple[str, ...] = ()  # coefficients known by values on the grid

    @classmethod
    def parse(
        cls,
        statements: Sequence[str],
        fields: Sequence[str],
        axes: Sequence[str] = (),
        parameters: Mapping[str, float] | None = None,
        indexed: Sequence[str] = (),
        given: Sequence[str] = (),
    ) -> Equation:
        """Raises UsageError, naming the offending part, for anything outside the grammar."""
        values = {name: float(value) for name, value in (parameters or {}).items()}
        for name, value in values.items():
            if not math.isfinite(value):
                raise UsageError(f"equation: the parameter {name} is {value}, not a finite number.")
        if indexed and axes:
            raise UsageError("equation: axes and names with subscripts cannot stand in one equation.")
        rates, definitions, steady = parse_statements(statements, fields, axes, values, indexed, given)
        return cls(
            tuple(statements), tuple(fields), tuple(axes), MappingProxyType(values),
            MappingProxyType(rates), MappingProxyType(definitions), steady, tuple(indexed), tuple(given),
        )  # fmt: skip

    def numeric_rates(self) -> dict[str, tree.Expr]:
        """The rates with every parameter replaced by its number."""
        numbers: dict[tree.Expr, tree.Expr] = {
            tree.Parameter(name): tree.Number(value) for name, value in self.parameters.items()
        }
        try:
            rates = {name: tree.substitute(rate, numbers) for name, rate in self.rates.items()}
            trees = (node for rate in rates.values() for node in tree.walk(rate))
            if not all(math.isfinite(node.value) for node in trees if isinstance(node, tree.Number)):
                raise OverflowError
            return rates
        except (ArithmeticError, TypeError):  # 1/0, or (-1)**0.5, which is complex
            raise UsageError(f"equation: with {dict(self.parameters)} a constant part is not finite.") from None

    @cached_property
    def semilinear(self) -> SemilinearForm:
        form = self._form(semilinear)
        return conservative(form) if len(self.axes) == 2 else form

    @cached_property
    def strong(self) -> StrongForm:
        return self._form(strong)

    @cached_property
    def localised(self) -> StrongForm:
        """The strong form of any equation: nonlocal terms become auxiliary fields with a Poisson equation each."""
        return self._form(localised)

    def _form(self, reading: Callable[[tuple[str, ...], dict[str, tree.Expr]], F]) -> F:
        """A normal form. Raises UsageError where there is none."""
        rates = self.numeric_rates()
        try:
            return reading(self.fields, rates)
        except (ArithmeticError, TypeError):  # derivatives make new constants: 1/d_x(y), or (d_x(-x))**0.5
            raise UsageError("equation: a part that is constant, once derivatives are taken, is not finite.") from None

    @cached_property
    def terms(self) -> frozenset[str]:
        """What kinds of term occur: nonlocal, space-dependent, time-dependent, non-polynomial."""
        found = set()
        for node in (n for rate in self.rates.values() for n in tree.walk(rate)):
            if isinstance(node, tree.InverseLaplacian):
                found.add("nonlocal")
            if isinstance(node, tree.Coordinate):
                found.add("time-dependent" if node.name == "t" else "space-dependent")
            if isinstance(node, (tree.Given, tree.IndexedSum)):
                found.add("space-dependent")
        if self.indexed:  # its fields stand bare or under a Laplacian: pointwise as it is
            if None in map(polynomial_degree, map(as_atoms, self.rates.values())):
                found.add("non-polynomial")
        elif self.semilinear.degree is None:
            found.add("non-polynomial")
        return frozenset(found)

    def latex(self) -> str:
        from .typeset import latex

        return latex(self)

    def unicode(self) -> str:
        from .typeset import unicode

        return unicode(self)
