"""Running the checks, for a shell and for pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ScimlError, UsageError, did_you_mean
from ..learning import LearnedSolver
from ..solver import Solver
from ..transport import TransportSolver
from .checks import CHECKS, Check
from .learned import LEARNED_CHECKS, LearnedSubject
from .subject import Failed, Skipped, Subject
from .transported import TRANSPORT_CHECKS, TransportSubject


@dataclass(frozen=True)
class Outcome:
    """status: "passed", "failed", "skipped", or "expected": failed, for a reason that was stated before."""

    check: str
    about: str
    status: str
    reason: str = ""


def check_solver(
    solver: type[Solver], *, options: Mapping[str, Any] | None = None, tolerance: float = 1e-2,
    expected_failures: Mapping[str, str] | None = None, most: int = 3,
) -> Iterator[Outcome]:  # fmt: skip
    """Run every check on a solver class; outcomes come as they are known.

    A solver that is trained is checked on small families, with a few steps of training unless its options say how many;
    a solver of transport problems on small ones whose optimum is known.

    options: of the solver, where its defaults are too slow for small problems. tolerance: relative L2 error on problems
    with an exact solution; relative error of a transport problem's value. most: how many problems, or families.
    expected_failures: why a check does not hold, by its name; one that holds after all fails.
    Raises UsageError for a reason given for a check that does not exist, or without words.
    """
    subject, found = _suite(solver, options, tolerance, most)
    expected = _expected(expected_failures, found)
    return (_outcome(check, subject, expected) for check in found)


def parametrize_solver_checks(
    *solvers: type[Solver], options: Mapping[str, Any] | None = None, tolerance: float = 1e-2,
    expected_failures: Mapping[str, str] | None = None, most: int = 3,
) -> Callable[..., Any]:  # fmt: skip
    """A pytest decorator: one test for each solver and check, which it is handed as the argument `check`."""
    import pytest

    cases = []
    for solver in solvers:
        subject, found = _suite(solver, options, tolerance, most)
        expected = _expected(expected_failures, found)
        cases += [pytest.param(_case(check, subject, expected), id=f"{solver.name}-{_name(check)}") for check in found]
    return pytest.mark.parametrize("check", cases)


def _suite(
    solver: type[Solver], options: Mapping[str, Any] | None, tolerance: float, most: int
) -> tuple[Any, tuple[Check, ...]]:
    """What is looked at, and the checks for a solver of this kind."""
    if issubclass(solver, LearnedSolver):
        return LearnedSubject(solver, options, most), LEARNED_CHECKS
    if issubclass(solver, TransportSolver):
        return TransportSubject(solver, options, tolerance), TRANSPORT_CHECKS
    return Subject(solver, options=options, tolerance=tolerance, most=most), tuple(CHECKS)


def _case(check: Check, subject: Any, expected: Mapping[str, str]) -> Callable[[], None]:
    def run() -> None:
        import pytest

        outcome = _outcome(check, subject, expected)
        if outcome.status == "skipped":
            pytest.skip(outcome.reason)
        if outcome.status == "expected":
            pytest.xfail(outcome.reason)
        if outcome.status == "failed":
            pytest.fail(f"{outcome.check}: {outcome.reason}", pytrace=False)

    return run


def _outcome(check: Check, subject: Any, expected: Mapping[str, str]) -> Outcome:
    name, about = _name(check), (check.__doc__ or "").strip()
    try:
        check(subject)
    except Skipped as reason:
        return Outcome(name, about, "skipped", str(reason))
    except (Failed, ScimlError) as reason:
        if name in expected:
            return Outcome(name, about, "expected", expected[name])
        return Outcome(name, about, "failed", str(reason))
    except Exception as error:  # a plugin's own: shown by its kind, as a user would see it with --debug
        return Outcome(name, about, "failed", f"{type(error).__name__}: {error}")
    if name in expected:
        return Outcome(name, about, "failed", f"it holds now; take the expected failure out ({expected[name]})")
    return Outcome(name, about, "passed")


def _name(check: Check) -> str:
    return check.__name__.replace("_", "-")


def _expected(reasons: Mapping[str, str] | None, checks: tuple[Check, ...]) -> dict[str, str]:
    known = {_name(check) for check in checks}
    for name, reason in (reasons or {}).items():
        if name not in known:
            raise UsageError(f"there is no check {name!r}{did_you_mean(name, sorted(known))}")
        if not reason.strip():
            raise UsageError(f"an expected failure of {name!r} needs a reason.")
    return dict(reasons or {})
