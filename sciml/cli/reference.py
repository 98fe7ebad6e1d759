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
    from .. import problem_file
    from ..errors import UsageError
    from ..reference import read_reference

    problem = problem_file.read(file)
    if build:
        from ..reference_builder import EXACT, build_reference

        known = read_reference(file, problem)
        if known is not None and known.method.startswith(EXACT):
            raise UsageError(f"{file} holds an exact solution as its reference; a computed one would be worse.")
        problem_file.write(file, problem, build_reference(problem, notice))
    reference = read_reference(file, problem)
    if reference is None:
        raise UsageError(f"{file} has no reference; `sciml reference {file} --build` computes one.")
    if as_json:
        print_json({"method": reference.method, "error": reference.error, "checks": reference.checks})
        return
    click.echo(reference.method)
    for name, error in reference.error.items():
        click.echo(f"relative L2 error of {name}: {error:.1e}")
    for label, value in reference.checks.items():
        click.echo(f"  against {label}: {value:.1e}")
