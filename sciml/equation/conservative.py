"""Advection of a field by its own stream function as a divergence of products: fewer transforms, equal when de-aliased.

With Δg = w, the term g_y w_x - g_x w_y is (∂xx - ∂yy)(g_x g_y) - ∂xy(g_x² - g_y²): two transforms to the grid and two
back, where the plain form takes four and one (Basdevant, J. Comput. Phys. 50, 1983, eq. 10).
"""

from __future__ import annotations

from . import tree as t
from .forms import Functional, Monomial, Operator, SemilinearForm

PLAIN: Operator = (Monomial(1.0),)
Carried = tuple[str, str, str, float]  # w, axis of g's derivative, axis of w's, coefficient


def conservative(form: SemilinearForm) -> SemilinearForm:
    """The same equation, in two dimensions, with every such pair of terms rewritten."""
    atoms, products = dict[Functional, int](), dict[t.Expr, int]()

    def number(functional: Functional) -> t.Expr:
        return t.Atom(atoms.setdefault(functional, len(atoms)))

    def renumbered(node: t.Expr) -> t.Expr:
        return number(form.atoms[node.index]) if isinstance(node, t.Atom) else t.rebuild(node, renumbered)

    outer: dict[str, tuple[tuple[Operator, int], ...]] = {}
    for field in form.fields:
        entries: list[tuple[Operator, t.Expr]] = []
        for operator, index in form.outer[field]:
            rest, pairs = _pairs(form, form.products[index]) if operator == PLAIN else (form.products[index], [])
            if rest != t.ZERO:
                entries.append((operator, renumbered(rest)))
            for name, x, y, c in pairs:
                gx, gy = (number(((name, Monomial(1.0, ((axis, 1),), 1)),)) for axis in (x, y))
                squares = t.add(t.power(gx, 2), t.multiply(t.Number(-1.0), t.power(gy, 2)))
                both = tuple(sorted(((x, 1), (y, 1))))
                entries.append(((Monomial(c, ((x, 2),)), Monomial(-c, ((y, 2),))), t.multiply(gx, gy)))
                entries.append(((Monomial(-c, both),), squares))
        outer[field] = tuple((operator, products.setdefault(term, len(products))) for operator, term in entries)
    return SemilinearForm(form.fields, form.linear, tuple(atoms), tuple(products), outer)


def _pairs(form: SemilinearForm, product: t.Expr) -> tuple[t.Expr, list[tuple[str, str, str, float]]]:
    """What is left of a sum, and its pairs c (g_y w_x - g_x w_y) as (w, x, y, c)."""
    rest = list(product.terms) if isinstance(product, t.Sum) else [product]
    found = []
    for one in list(rest):
        first = _carried(form, one)
        if first is None or one not in rest:
            continue
        name, of_stream, of_field, c = first
        partner = next((other for other in rest if _carried(form, other) == (name, of_field, of_stream, -c)), None)
        if partner is not None:
            rest.remove(one)
            rest.remove(partner)
            found.append((name, of_field, of_stream, c))
    return t.add(*rest), found


def _carried(form: SemilinearForm, term: t.Expr) -> Carried | None:
    """The term as c · ∂_a Δ⁻¹w · ∂_b w with a ≠ b, if it is one."""
    factors = term.factors if isinstance(term, t.Product) else ()
    scale = 1.0
    streams: list[tuple[str, str]] = []
    fields: list[tuple[str, str]] = []
    for factor in factors:
        if isinstance(factor, t.Number):
            scale *= factor.value
            continue
        functional = form.atoms[factor.index] if isinstance(factor, t.Atom) else ()
        if len(functional) != 1 or sum(n for _, n in functional[0][1].orders) != 1:
            return None
        (name, monomial), = functional
        scale *= monomial.coefficient
        {0: fields, 1: streams}.get(monomial.inverse_laplacians, []).append((name, monomial.orders[0][0]))
    if len(streams) != 1 or len(fields) != 1 or streams[0][0] != fields[0][0] or streams[0][1] == fields[0][1]:
        return None
    return streams[0][0], streams[0][1], fields[0][1], scale
