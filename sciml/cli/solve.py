"""sciml solve FILE --solver NAME -o key=value …"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument, json_option, notice, parse_options, print_json, progress, run_options


@click.command("solve")
@file_argument()
@click.option("--solver", "-s", "name", required=True, help="A name from `sciml solvers`.")
@click.option("--option", "-o", "pairs", multiple=True, metavar="KEY=VALUE", help="A solver option; repeatable.")
@click.option("--seed", type=int, default=0, show_default=True)
@run_options
@json_option
def command(
    file: Path, name: str, pairs: tuple[str, ...], seed: int, device: str, dtype: str, budget: float | None,
    store: Path, fresh: bool, as_json: bool,
) -> int:  # fmt: skip
    """Solve a problem FILE with one solver, keep the result, and score it against the file's reference."""
    from .. import problem_file, registry

    problem = problem_file.read(file)
    solver = registry.get_solver(name).from_strings(parse_options(pairs))
    registry.require_able(solver, problem)
    from ..solution import Status
    from ..solving import result_path, solve

    with progress(f"{problem.name} · {solver.name}") as bar:
        result = solve(
            file, solver, seed=seed, device=device, dtype=dtype, budget=budget, store=store, fresh=fresh,
            on_progress=bar, on_notice=notice,
        )  # fmt: skip
    path = result_path(store, problem, solver, result.cell)
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
