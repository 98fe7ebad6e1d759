"""How a process of ours starts another one of ours: with the same Python, and imports from the same places."""

from __future__ import annotations

import os
import sys


def command(module: str, *arguments: str) -> list[str]:
    """-P: what lies in the current folder is not imported in place of libraries, unless that is so here too."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """This process's, with where it imports from beside its own installation."""
    own, asked = (sys.prefix, sys.base_prefix), os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = os.pathsep.join(p or os.getcwd() for p in sys.path if p in asked or not p.startswith(own))
    return os.environ | {"PYTHONPATH": path}
