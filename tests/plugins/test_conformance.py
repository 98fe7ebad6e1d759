"""Our own solvers keep the promises that every plugin makes, checked by the kit that strangers use."""

from __future__ import annotations

from collections.abc import Callable

from sciml import registry
from sciml.learning import LearnedSolver
from sciml.testing import parametrize_solver_checks
from sciml.transport import TransportSolver

LONG = {"insr", "pinn-causal", "stde"}  # minutes for each check: `sciml check-solver NAME`
QUICK = [
    cls for name, cls in registry.solvers().items()
    if name not in LONG and not issubclass(cls, LearnedSolver | TransportSolver)
]  # fmt: skip


@parametrize_solver_checks(*QUICK, most=2)
def test_conformance(check: Callable[[], None]) -> None:
    check()


def test_none_is_forgotten() -> None:
    """Learned solvers and those of transport problems take none of the kit's problems; their tests are their own."""
    assert set(registry.solvers()) >= LONG
    assert {"chebyshev", "dop853", "etdrk4", "finite-volume", "gp-hm", "milstein", "multigrid"} <= {c.name for c in QUICK}
