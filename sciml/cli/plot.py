"""sciml plot FILE"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument


@click.command("plot")
@file_argument()
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The PNG to write; default: FILE with .png.")
@click.option("--against", type=click.Path(path_type=Path), help="The problem file whose reference gives the error.")
def command(file: Path, output: Path | None, against: Path | None) -> None:
    """Draw FILE: space-time map, snapshots, and for a result the error against --against over space and time."""
    from ..kinds import kind_of

    path = output or file.with_suffix(".png")
    kind_of(file).plot(file, path, against)
    click.echo(f"wrote {path}")
