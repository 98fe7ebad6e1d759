"""What the commands ask of a kind of file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..errors import UsageError
from ..evidence import About, Evidence
from ..files.hdf5 import opened
from ..row import Row
from ..solver import Solver


@dataclass(frozen=True)
class Outcome:
    """Text and data for people and machines, and the exit code."""

    text: str
    data: dict[str, Any]
    code: int = 0


class Kind(ABC):
    """`path` is a file of this kind, problem or result, unless `read` and what follows it: those take problems only."""

    word: ClassVar[str]  # the entry of /sciml that tells it
    asks: ClassVar[type]  # of what `read` returns

    @staticmethod
    def is_result(path: Path) -> bool:
        with opened(path) as file:
            return "run" in file["sciml"]

    @abstractmethod
    def check(self, path: Path) -> tuple[str, str]:
        """What a sound file is ("problem", "family", "result"), and a remark for people. Raises UsageError."""

    @abstractmethod
    def text(self, path: Path) -> str: ...

    @abstractmethod
    def data(self, path: Path) -> dict[str, Any]:
        """The same for machines."""

    @abstractmethod
    def plot(self, path: Path, output: Path, against: Path | None) -> None:
        """Write a PNG, atomically."""

    @abstractmethod
    def read(self, path: Path) -> Any:
        """What is asked; it has a `name` and a `content_hash`. Raises UsageError for a result."""

    @abstractmethod
    def write(self, path: Path, task: Any) -> None:
        """What `read` reads, without a reference; atomically."""

    @abstractmethod
    def read_result(self, path: Path) -> Any: ...

    @abstractmethod
    def entry(self, path: Path) -> tuple[str, str, str]:
        """Of `sciml problems`: size, end of time, title."""

    @abstractmethod
    def reasons(self, task: Any, solver: Solver, store: Path) -> list[str]:
        """Why a solver cannot take it."""

    @abstractmethod
    def require(self, task: Any, solver: Solver, asked: dict[str, Any]) -> None:
        """Raise UsageError for options of `sciml solve` that make no sense here."""

    @abstractmethod
    def solve(
        self, path: Path | None, task: Any, solver: Solver, asked: dict[str, Any],
        on_progress: Callable[[float, str], None], on_notice: Callable[[str], None],
    ) -> tuple[Any, Path]:  # fmt: skip
        """The result and the file it is kept in. path: of the task, for its reference; None: not scored against one.

        asked: seed, device, dtype, budget, store, data, fresh, model, members, as `sciml solve` has them.
        """

    @abstractmethod
    def outcome(self, result: Any, kept: Path) -> Outcome:
        """What `sciml solve` says of a result."""

    @abstractmethod
    def row(self, path: Path, task: Any, solver: Solver, head: dict[str, Any], arguments: dict[str, Any]) -> Row:
        """One cell of a comparison. head: the row's first entries; arguments: as `compare` takes them."""

    @abstractmethod
    def about(self, path: Path, task: Any) -> About:
        """What is asked, for the head of a report."""

    @abstractmethod
    def evidence(self, path: Path, kept: Path) -> Evidence:
        """What a report draws of a result file `kept` of the problem in `path`."""

    def reference(self, path: Path, build: bool, on_notice: Callable[[str], None]) -> dict[str, Any]:
        """method, error, checks (and lines for people in `text`) of the reference, which is computed if `build`."""
        raise UsageError(f"{path}: has no reference of its own.")
