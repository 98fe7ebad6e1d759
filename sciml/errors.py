"""The two ways a command can fail, each one sentence that says what is wrong and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 8000  # characters of a sentence: what it quotes may be of any length


class ScimlError(Exception):
    """Base of every error that is meant to be read by a person: one line, whatever a file or a name in it holds."""

    exit_code = 1

    def __init__(self, text: str = "") -> None:
        if len(text) > LONGEST:
            text = f"{text[: LONGEST - 300]} … {text[-200:]}"
        super().__init__("".join(c if c.isprintable() else " " for c in text))


class UsageError(ScimlError):
    """The request itself cannot be carried out: a bad file, option or combination (exit code 2)."""

    exit_code = 2


class RunFailed(ScimlError):
    """The request was sound, the work failed: no disk, no convergence, lost device (exit code 1)."""

    exit_code = 1


class Stopped(RunFailed):
    """The run was stopped by its budget or by Ctrl-C; its checkpoint is kept."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Busy(RunFailed):
    """Another process is at this very cell, and it was not to be waited for."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'etdrk4'?"`, or the known names when nothing is near."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(names)}." if names else "."
