"""Solving many problems one after the other, with a checkpoint of those that are done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import Stopped
from .problem import Problem
from .solution import Solution, Status

if TYPE_CHECKING:
    from .run import Run


def solve_one_by_one(
    solve: Callable[[Problem, Run], Solution], problems: Sequence[Problem], run: Run
) -> list[Solution]:
    """Each problem in a run of its own with what is left of the budget; a resumed run goes on with the next one."""
    saved = run.restore()
    answers = [] if saved is None else unpacked(saved)
    total = len(problems)
    for index in range(len(answers), total):
        run.step(index / total, lambda: packed(answers), f"{problems[index].name}")
        budget = None if run.budget is None else max(run.remaining, 1e-3)
        part = type(run)(seed=run.seed, device=run.device, dtype=run.dtype, budget=budget)
        try:
            answers.append(solve(problems[index], part))
        except Stopped:
            run.step(index / total, lambda: packed(answers), f"{problems[index].name}")  # saves, and says so
            raise
        run.count(**part.costs)
        run.paths |= part.paths
    return answers


def packed(answers: Sequence[Solution]) -> dict[str, Any]:
    """Solutions as one checkpoint: keys NUMBER/what/name. Histories are left out."""
    state: dict[str, Any] = {"count": len(answers)}
    for i, answer in enumerate(answers):
        state |= {f"{i}/status": answer.status.name, f"{i}/message": answer.message}
        state[f"{i}/reached"] = min(float(answer.reached), 1e300)
        for what, named in (("values", answer.values), ("std", answer.std), ("cost", answer.cost)):
            state |= {f"{i}/{what}/{name}": value for name, value in named.items()}
    return state


def unpacked(state: dict[str, Any]) -> list[Solution]:
    """The inverse of `packed`."""
    answers = []
    for i in range(int(state["count"])):
        parts: dict[str, dict[str, Any]] = {"values": {}, "std": {}, "cost": {}}
        for key, value in state.items():
            number, _, rest = key.partition("/")
            what, _, name = rest.partition("/")
            if number == str(i) and what in parts:
                parts[what][name] = float(value) if what == "cost" else np.asarray(value, dtype=np.float64)
        reached = float(state[f"{i}/reached"])
        answers.append(Solution(
            parts["values"], Status[str(state[f"{i}/status"])], np.inf if reached >= 1e300 else reached,
            std=parts["std"], cost=parts["cost"], message=str(state[f"{i}/message"]),
        ))  # fmt: skip
    return answers
