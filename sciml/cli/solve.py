"""sciml solve FILE --solver NAME -o key=value …"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument, json_option, notice, parse_options, print_json, progress, run_options


@click.command("solve")
@file_argument()
@click.option("--solver", "-s", "name", required=True, help="A name from `sciml solvers`.")
@click.option("--option", "-o", "pairs", multiple=True, metavar="KEY=VALUE", help="A solver option; repeatable.")
@click.option("--model", type=click.Path(path_type=Path), help="Of a learned solver: the model file to use.")
@click.option("--members", type=int, help="Of a family: how many of its test problems; default: as many as FILE says.")
@click.option("--seed", type=int, default=0, show_default=True)
@run_options
@json_option
def command(
    file: Path, name: str, pairs: tuple[str, ...], model: Path | None, members: int | None, seed: int, device: str,
    dtype: str, budget: float | None, store: Path, data: Path, fresh: bool, as_json: bool,
) -> int:  # fmt: skip
    """Solve a problem FILE with one solver, keep the result, and score it against the file's reference.

    FILE may describe a family of problems: its test problems are solved, and their data made where they are missing.
    """
    from .. import registry
    from ..kinds import kind_of

    kind = kind_of(file)
    task = kind.read(file)
    solver = registry.get_solver(name).from_strings(parse_options(pairs))
    asked = {
        "model": model, "members": members, "seed": seed, "device": device, "dtype": dtype, "budget": budget,
        "store": store, "data": data, "fresh": fresh,
    }  # fmt: skip
    kind.require(task, solver, asked)
    with progress(f"{task.name} · {solver.name}") as bar:
        outcome = kind.outcome(*kind.solve(file, task, solver, asked, bar, notice))
    if as_json:
        print_json(outcome.data)
    else:
        click.echo(outcome.text)
    return outcome.code
