"""sciml compare FILE… --solvers a,b -o FOLDER"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument, json_option, notice, parse_options, print_table, run_options


@click.command("compare")
@file_argument("files", nargs=-1, required=True)
@click.option("--solvers", required=True, help="Names with commas between them, or `all`; name:key=value sets options.")
@click.option("--seeds", default="0", show_default=True, help="Whole numbers with commas between them.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Folder for table.md, table.csv, table.json.")
@run_options
@json_option
def command(
    files: tuple[Path, ...], solvers: str, seeds: str, output: Path | None, device: str, dtype: str,
    budget: float | None, store: Path, data: Path, fresh: bool, as_json: bool,
) -> int:  # fmt: skip
    """Solve every problem (or family) FILE with every solver (what is finished is not run again) and print one table.

    A solver that fails or runs out of its budget is a row that says so.
    """
    from .. import registry
    from ..comparing import as_json as rows_as_json
    from ..comparing import compare, table, write_tables
    from ..errors import UsageError
    from ..run import Run

    chosen = []
    for item in registry.solvers() if solvers == "all" else [s for s in solvers.split(",") if s]:
        name, *pairs = item.split(":")
        chosen.append(registry.get_solver(name).from_strings(parse_options(pairs)))
    if not chosen:
        raise UsageError("--solvers names no solver; see `sciml solvers`.")
    try:
        numbers = [int(seed) for seed in seeds.split(",")]
    except ValueError:
        raise UsageError(f"--seeds must be whole numbers with commas between them, not {seeds!r}.") from None
    Run(budget=budget, dtype=dtype)  # a bad value ends this before any work
    rows = compare(
        files, chosen, seeds=numbers, on_cell=notice, store=store, budget=budget, device=device, dtype=dtype,
        fresh=fresh, data=data,
    )  # fmt: skip
    if as_json:
        click.echo(rows_as_json(rows))
    else:
        print_table(*table(rows))
    if output is not None:
        for path in write_tables(rows, output):
            notice(f"wrote {path}")
    return 0
