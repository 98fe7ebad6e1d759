"""What needs no solver: the errors that every row of a comparison has to beat to say anything."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..problem import Array
from .norms import relative_l2

PERSISTENCE, CLIMATOLOGY, CONSTANT = "persistence", "climatology", "constant"
INDEPENDENT = "independent coupling"
MEANINGS = {
    PERSISTENCE: "the initial state, held for all times",
    CLIMATOLOGY: "the reference's own mean over time at every place",
    CONSTANT: "one number everywhere: the reference's own mean",
    INDEPENDENT: "of a transport problem the plan r cᵀ: from everywhere to everywhere, in proportion",
}


def trivial_text(errors: Mapping[str, float]) -> str:
    """For a line beside a score."""
    return ", ".join(f"{error:.2g} of {label}" for label, error in errors.items())


def trivial_errors(exact: Mapping[str, Array], initial: Mapping[str, Array]) -> dict[str, float]:
    """Relative L2 error of the worst field, by name of the baseline; definition 1.

    exact: (times, *space) by field; initial: (*space) by field, empty where nothing evolves. Persistence is a forecast;
    climatology and constant look at the reference (they are the best that is constant in time, in space), so no solver
    can use them: they are marks on a scale, not rivals.
    """
    if not initial:
        return {CONSTANT: max(relative_l2(np.full_like(a, a.mean()), a) for a in exact.values())}
    held = {name: np.broadcast_to(initial[name], a.shape) for name, a in exact.items()}
    mean = {name: np.broadcast_to(a.mean(0), a.shape) for name, a in exact.items()}
    return {
        label: max(relative_l2(guess[name], a) for name, a in exact.items())
        for label, guess in ((PERSISTENCE, held), (CLIMATOLOGY, mean))
    }


def trivial_errors_of_members(exact: Mapping[str, Array], evolves: bool) -> dict[str, float]:
    """The same in the mean over members: exact (members, times, *space) by field. Of an evolution persistence and, of
    each member, its climatology; else the members' mean at every place."""
    if evolves:
        rows = [
            trivial_errors({n: a[i] for n, a in exact.items()}, {n: a[i, 0] for n, a in exact.items()})
            for i in range(len(next(iter(exact.values()))))
        ]
        return {label: float(np.mean([row[label] for row in rows])) for label in rows[0]}
    errors = [
        float(np.mean([relative_l2(mean, member) for member in array]))
        for array in exact.values() for mean in (array.mean(0),)
    ]  # fmt: skip
    return {CLIMATOLOGY: max(errors)}
