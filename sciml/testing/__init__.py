"""What every solver plugin must do, as checks that its author runs: in pytest, or by `sciml check-solver NAME`.

    from sciml.testing import parametrize_solver_checks

    @parametrize_solver_checks(MySolver)
    def test_my_solver(check):
        check()
"""

from .checks import CHECKS
from .kit import Outcome, check_solver, parametrize_solver_checks
from .manufactured import Manufactured, manufactured
from .subject import Failed, Skipped, Subject

__all__ = [
    "CHECKS", "Failed", "Manufactured", "Outcome", "Skipped", "Subject", "check_solver", "manufactured",
    "parametrize_solver_checks",
]  # fmt: skip
