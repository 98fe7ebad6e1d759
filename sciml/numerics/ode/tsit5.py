"""Coefficients of Tsitouras' method of order 5 with an error of order 4 and a free interpolant of order 4.

Ch. Tsitouras, Runge–Kutta pairs of order 5(4) satisfying only the first column simplifying assumption, Computers &
Mathematics with Applications 62 (2011) 770–775, table 1 and the interpolant of its section 3.
"""

from __future__ import annotations

NODES = (0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0)
STAGES: tuple[tuple[float, ...], ...] = (
    (),
    (0.161,),
    (-0.008480655492356989, 0.335480655492357),
    (2.8971530571054935, -6.359448489975075, 4.3622954328695815),
    (5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525),
    (5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383),
    (0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774),
)
ERROR = (
    -0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995, -0.1447110071732629, 0.5823571654525552,
    -0.45808210592918697, 1 / 66,
)  # fmt: skip
# b_i(θ) as polynomials: coefficients of θ, θ², θ³, θ⁴, from the published factors


def _product(scale: float, *factors: tuple[float, ...]) -> tuple[float, ...]:
    """Of polynomials with ascending coefficients."""
    found = [scale]
    for factor in factors:
        grown = [0.0] * (len(found) + len(factor) - 1)
        for i, a in enumerate(found):
            for j, b in enumerate(factor):
                grown[i + j] += a * b
        found = grown
    return tuple(found[1:])


_SQUARE = (0.0, 0.0, 1.0)
DENSE: tuple[tuple[float, ...], ...] = (
    _product(
        -1.0530884977290216, (0.0, 1.0), (-1.3299890189751412, 1.0), (0.7139816917074209, -1.4364028541716351, 1.0)
    ),
    _product(0.1017, _SQUARE, (1.2949852507374631, -2.1966568338249754, 1.0)),
    _product(2.490627285651252793, _SQUARE, (1.57803468208092486, -2.38535645472061657, 1.0)),
    _product(-16.54810288924490272, _SQUARE, (-1.21712927295533244, 1.0), (-0.61620406037800089, 1.0)),
    _product(47.37952196281928122, _SQUARE, (-1.203071208372362603, 1.0), (-0.658047292653547382, 1.0)),
    _product(-34.87065786149660974, _SQUARE, (-1.2, 1.0), (-0.666666666666666667, 1.0)),
    _product(2.5, _SQUARE, (-1.0, 1.0), (-0.6, 1.0)),
)
STIFF_STAGES = (5, 6)  # both at the step's end
STIFF_LIMIT = 3.5068  # |h λ| at the border of stability on the negative axis
