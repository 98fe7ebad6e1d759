"""Libraries that come with an extra."""

from __future__ import annotations

import importlib
from typing import Any

from sciml import UsageError


def needed(module: str, extra: str) -> Any:
    """The module. Raises UsageError with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise UsageError(
            f"the executor {extra} needs the package {module}, which is not here: pip install 'sciml-toolkit[{extra}]'."
        ) from None
