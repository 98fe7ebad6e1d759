"""sciml show FILE"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument, json_option, print_json


@click.command("show")
@file_argument()
@json_option
def command(file: Path, as_json: bool) -> None:
    """Describe a problem of any kind, a family of problems, or a result FILE."""
    from ..kinds import kind_of

    kind = kind_of(file)
    if as_json:
        print_json(kind.data(file))
    else:
        click.echo(kind.text(file))
