"""One cell of a campaign as plain data, which any executor can carry anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from .row import Row

Answer = Mapping[str, Any]  # {"row": …}, or {"busy": True}: another process is at this very cell


@dataclass(frozen=True)
class Cell:
    """number: its place in the campaign. path, store, data: absolute. content: what the problem file held when this was
    planned. solver: `plugin/solver`; options: those that were asked for; changed: of those what a row shows. label: of
    the row. store_id: see `store_id` in sciml.campaign. hard_limit: seconds after which it is killed, None: never.
    work: "solve", or "train" a learned solver on a family, by so many processes."""

    number: int
    path: str
    problem: str
    content: str
    solver: str
    label: str
    version: str
    options: dict[str, Any]
    changed: dict[str, Any]
    classical: bool
    seed: int
    device: str
    dtype: str
    budget: float | None
    store: str
    store_id: str
    data: str
    fresh: bool
    hard_limit: float | None = None
    work: str = "solve"
    processes: int = 1

    def as_plain(self) -> dict[str, Any]:
        """JSON data; `Cell(**data)` is the cell again."""
        return asdict(self)

    def head(self) -> dict[str, Any]:
        """The first entries of its row."""
        return {
            "problem": self.problem, "solver": self.label, "options": dict(self.changed), "seed": self.seed,
            "classical": self.classical,
        }  # fmt: skip

    def command(self) -> list[str]:
        """The command line that does the same, for the record of the result."""
        words = ["sciml", self.work, self.path, "--solver", self.label]
        for key, value in self.options.items():
            words += ["-o", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
        words += ["--seed", str(self.seed)] if self.seed else []
        words += ["--device", self.device] if self.device != "cpu" else []
        words += ["--budget", f"{self.budget:g}"] if self.budget is not None else []
        return [*words, "--store", self.store, "--data", self.data]

    def failed(self, why: str) -> Answer:
        """The answer of a cell that has none of its own."""
        return {"row": asdict(Row(**self.head(), outcome=why))}

    def again(self) -> Cell:
        """The same for a second attempt, which goes on where the first one was."""
        return replace(self, fresh=False)
