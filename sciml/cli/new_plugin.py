"""sciml new-plugin NAME"""

from __future__ import annotations

from pathlib import Path

import click

from .common import notice


@click.command("new-plugin")
@click.argument("name")
@click.option("--output", "-o", type=click.Path(path_type=Path), default=Path(), help="Parent folder; default: here.")
def command(name: str, output: Path) -> int:
    """Make a package sciml-NAME with a working solver NAME, its tests, documentation and CI."""
    from ..new_plugin import write_plugin

    target = write_plugin(name, output)
    notice(f"wrote {target}; next: pip install -e '{target}[test]' && sciml check-solver {name}")
    return 0
