"""sciml validate FILE"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument, json_option, print_json


@click.command("validate")
@file_argument()
@json_option
def command(file: Path, as_json: bool) -> None:
    """Check a problem or result FILE; exit code 2 and one sentence if it is not sound."""
    from ..kinds import kind_of

    what, note = kind_of(file).check(file)
    if as_json:
        print_json({"file": str(file), "valid": True, "kind": what})
    else:
        click.echo(f"{file}: a sound {what} file{note}.")
