"""Our own solvers pass the conformance kit, like anybody's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sciml import registry
from sciml.testing import parametrize_solver_checks

QUICK: dict[str, dict[str, Any]] = {}  # options and tolerances, where defaults take long on these problems
SOLVERS = {name: cls for name, cls in registry.solvers().items() if not cls.needs_model}
CASES = [
    case
    for name, cls in SOLVERS.items()
    for case in parametrize_solver_checks(cls, **QUICK.get(name, {})).args[1]
]


@pytest.mark.parametrize("check", CASES)
def test_conformance(check: Callable[[], None]) -> None:
    check()
