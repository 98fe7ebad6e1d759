"""sciml problems [FOLDER]"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument, json_option, print_json, print_table


@click.command("problems")
@file_argument("folder", default="problems")
@json_option
def command(folder: Path, as_json: bool) -> None:
    """List the problem files in FOLDER (default: problems)."""
    from ..errors import UsageError
    from ..kinds import kind_of

    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder; name one with problem files.")
    rows = []
    for path in sorted(folder.glob("*.h5")):
        try:
            rows.append((path.name, *kind_of(path).entry(path)))
        except UsageError as error:
            rows.append((path.name, "–", "–", str(error)))
    if as_json:
        print_json([dict(zip(("file", "grid", "until", "title"), row, strict=True)) for row in rows])
    else:
        print_table(("file", "grid", "until t", "title"), rows)
