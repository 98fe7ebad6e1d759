"""What is known of a transport solution, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..errors import UsageError


@dataclass(frozen=True)
class TransportScores:
    """cost: <C, P>. lower, upper: certified bounds of the optimal value; gap: their relative distance. marginal_error:
    Σ|P1 - r| + Σ|Pᵀ1 - c| over the mass. value_error: relative, of `lower` against the reference (at eps = 0: of the
    cost against the exact one); floor: the reference's own. above_exact: relative excess of <C, P> over the exact cost.
    distance: W1 or W2 of the plan, where the cost is one of theirs. independent: <C, r cᵀ>, what the plan costs that
    knows no cost (its KL is 0: at any eps that is its objective); independent_error: relative, against the same number
    as value_error."""

    eps: float
    cost: float
    lower: float
    upper: float
    gap: float
    row_error: float
    column_error: float
    marginal_error: float
    value_error: float | None = None
    floor: float | None = None
    above_exact: float | None = None
    distance: dict[str, float] = field(default_factory=dict)
    independent: float | None = None
    independent_error: float | None = None

    @property
    def error(self) -> float:
        """Of the value: against the reference, or certified where there is none."""
        return self.gap if self.value_error is None else self.value_error

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


_KNOWN = TypeAdapter(TransportScores)


def restored(data: Mapping[str, Any]) -> TransportScores:
    """From what `as_dict` gave. Raises UsageError naming the entry that is wrong."""
    try:
        return _KNOWN.validate_python(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"/sciml/run, scores.{where}: {first['msg']}.") from None
