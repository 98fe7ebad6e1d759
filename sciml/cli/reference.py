"""sciml reference FILE"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument, json_option, notice, print_json


@click.command("reference")
@file_argument()
@click.option("--build", is_flag=True, help="Compute a reference and write it into FILE.")
@json_option
def command(file: Path, build: bool, as_json: bool) -> None:
    """Show how the reference in FILE was made and its own error; with --build, compute it."""
    from ..kinds import kind_of

    found = kind_of(file).reference(file, build, notice)
    text = found.pop("text")
    if as_json:
        print_json(found)
    else:
        click.echo(text)
