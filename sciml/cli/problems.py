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
    from .. import family, problem_file
    from ..errors import UsageError

    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder; name one with problem files.")
    rows = []
    for path in sorted(folder.glob("*.h5")):
        try:
            if family.is_family(path):
                found = family.read(path).description
                size = " x ".join(str(axis.size) for axis in found.axes)
                end = found.splits["test"].end
                rows.append((path.name, size, f"{end or 0:g}", f"family: {found.title or found.name}"))
                continue
            problem = problem_file.read(path)
        except UsageError as error:
            rows.append((path.name, "–", "–", str(error)))
            continue
        shape = " x ".join(str(n) for n in problem.grid.shape) or "ODE"
        if problem.ball is not None:
            shape = f"{problem.shape[0]} points in {problem.ball.dimension}-D"
        rows.append((path.name, shape, f"{problem.grid.times[-1]:g}", problem.title or problem.name))
    if as_json:
        print_json([dict(zip(("file", "grid", "until", "title"), row, strict=True)) for row in rows])
    else:
        print_table(("file", "grid", "until t", "title"), rows)
