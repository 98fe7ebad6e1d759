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
    from .. import ensemble, family, problem_file, result_file
    from ..reference import read_reference

    if family.is_family(file):
        family.read(file)
        kind, note = "family", ""
    elif ensemble.is_ensemble_result(file):
        ensemble.read(file)
        kind, note = "result", " of a family"
    elif result_file.is_result(file):
        result_file.read(file)
        kind, note = "result", ""
    else:
        reference = read_reference(file, problem_file.read(file))
        kind, note = "problem", " with a reference" if reference else " without a reference"
    if as_json:
        print_json({"file": str(file), "valid": True, "kind": kind})
    else:
        click.echo(f"{file}: a sound {kind} file{note}.")
