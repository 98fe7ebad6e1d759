"""sciml solve FILE --solver NAME -o key=value …"""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    from .. import family, problem_file, registry
    from ..errors import UsageError

    if family.is_family(file):
        if dtype != "float64":
            raise UsageError("families are solved in float64 only (networks keep their own); leave --dtype out.")
        return _family(
            file, name, pairs, as_json, model=model, members=members, seed=seed, device=device, budget=budget,
            store=store, data=data, fresh=fresh,
        )  # fmt: skip
    if members is not None:
        raise UsageError(f"{file} holds one problem; --members is for families.")
    problem = problem_file.read(file)
    solver = registry.get_solver(name).from_strings(parse_options(pairs))
    registry.require_able(solver, problem)
    from ..solution import Status
    from ..solving import solve

    with progress(f"{problem.name} · {solver.name}") as bar:
        result = solve(
            file, solver, seed=seed, device=device, dtype=dtype, model_file=model, budget=budget, store=store,
            fresh=fresh, on_progress=bar, on_notice=notice,
        )  # fmt: skip
    path = store / problem.name / f"{solver.name}-{result.cell}.h5"
    if as_json:
        print_json({
            "path": str(path), "status": result.solution.status.name, "message": result.solution.message,
            "scores": result.scores, "cost": {**result.ledger, **result.solution.cost}, "cell": result.cell,
        })  # fmt: skip
    else:
        from ..showing import result_text

        click.echo(result_text(result))
        click.echo(f"kept as {path}")
    return 1 if result.solution.status is Status.PARTIAL else 0


def _family(file: Path, name: str, pairs: tuple[str, ...], as_json: bool, **arguments: Any) -> int:
    from .. import family, registry
    from ..showing_family import ensemble_text
    from ..solving_family import solve_family

    found = family.read(file)
    solver = registry.get_solver(name).from_strings(parse_options(pairs))
    with progress(f"{found.name} · {solver.name}") as bar:
        result, path = solve_family(found, solver, on_progress=bar, on_notice=notice, **arguments)
    if as_json:
        print_json({
            "path": str(path), "status": result.status, "message": result.message, "scores": result.scores,
            "cost": result.ledger, "model": result.model, "cell": result.cell,
        })  # fmt: skip
    else:
        click.echo(ensemble_text(result))
        click.echo(f"kept as {path}")
    return 1 if result.status == "PARTIAL" else 0
