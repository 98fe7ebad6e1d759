"""The store is what all workers share; a worker that sees another folder under its name must not fill it in vain."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ..errors import RunFailed
from ..files.atomic import unwritable

NAME = ".store"


def store_id(store: Path) -> str:
    """The sixteen digits that tell this store from any other; written when they are first asked for."""
    path = store / NAME
    try:
        store.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            own = store / f"{NAME}-{secrets.token_hex(4)}.tmp"
            own.write_text(secrets.token_hex(8), encoding="ascii")
            try:
                os.link(own, path)  # of several processes the first one names it
            except FileExistsError:
                pass
            finally:
                own.unlink()
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise unwritable(path, error) from None


def require_store(store: Path, known: str) -> None:
    """Raises RunFailed where the folder is not the store that the campaign was started with."""
    try:
        found = (store / NAME).read_text(encoding="ascii")
    except OSError:
        found = ""
    if found != known:
        raise RunFailed(f"this worker does not see the campaign's store {store}: workers need a file system in common.")
