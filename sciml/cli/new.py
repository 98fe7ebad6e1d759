"""sciml new SPEC.toml"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument


@click.command("new")
@file_argument("spec")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The problem file; default: NAME.h5 beside SPEC.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def command(spec: Path, output: Path | None, force: bool) -> None:
    """Make a problem file from a TOML description of your own PDE or ODE, or of a family of them (with `splits`).

    See docs/how-to/own-equation.md and docs/how-to/families-and-training.md.
    """
    from .. import family
    from ..errors import UsageError
    from ..family import Family
    from ..files import problem_file
    from ..files.spec_file import read_any

    problem = read_any(spec)
    path = output or spec.with_name(f"{problem.name}.h5")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already; give another --output, or --force to replace it.")
    if isinstance(problem, Family):
        family.write(path, problem)
        click.echo(f"wrote {path}; next: sciml data {path}")
        return
    problem_file.write(path, problem)
    click.echo(f"wrote {path}; next: sciml compat {path}")
