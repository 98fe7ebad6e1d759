"""sciml train FAMILY --solver NAME -o key=value …"""

from __future__ import annotations

from pathlib import Path

import click

from .common import data_option, file_argument, json_option, notice, parse_options, print_json, progress, store_option


@click.command("train")
@file_argument()
@click.option("--solver", "-s", "name", required=True, help="A learned solver from `sciml solvers`.")
@click.option("--option", "-o", "pairs", multiple=True, metavar="KEY=VALUE", help="A solver option; repeatable.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--budget", type=float, help="Seconds of training; with -o iterations=0 as many steps as fit in.")
@click.option("--members", type=int, help="Training problems; default: as many as FILE says.")
@click.option("--output", type=click.Path(path_type=Path), help="The model file; default: in the store.")
@store_option
@data_option
@click.option("--fresh", is_flag=True, help="Train again, even if a model is there.")
@json_option
def command(
    file: Path, name: str, pairs: tuple[str, ...], seed: int, device: str, budget: float | None, members: int | None,
    output: Path | None, store: Path, data: Path, fresh: bool, as_json: bool,
) -> None:  # fmt: skip
    """Train a learned solver on a family FILE, and keep the model where `sciml solve` finds it.

    Stopped by Ctrl-C or its budget, the same command goes on. Several processes share every batch when started as
    `torchrun --nproc-per-node N -m sciml.cli.main train …`.
    """
    from .. import family, registry
    from ..errors import UsageError
    from ..learning import LearnedSolver
    from ..learning.model import read_card
    from ..learning.processes import leads
    from ..solving.training import train_model

    found = family.read(file)
    solver = registry.get_solver(name).from_strings(parse_options(pairs))
    if not isinstance(solver, LearnedSolver):
        raise UsageError(f"{name} is not a learned solver: it needs no training; use `sciml solve`.")
    with progress(f"{found.name} · {solver.name}") as bar:
        path = train_model(
            found, solver, seed=seed, device=device, budget=budget, members=members, store=store, data=data,
            output=output, fresh=fresh, on_progress=bar, on_notice=notice,
        )  # fmt: skip
    if not leads():
        return
    card = read_card(path)
    if as_json:
        from dataclasses import asdict

        print_json({"path": str(path), **asdict(card)})
        return
    metrics = ", ".join(f"{key} {value:.4g}" for key, value in card.metrics.items())
    click.echo(f"trained     {card.iterations} steps in {card.seconds:.0f} s, {card.parameters} parameters")
    if card.stopped:
        click.echo(f"stopped     {card.stopped}")
    click.echo(f"validation  {metrics}")
    click.echo(f"kept as {path}; next: sciml solve {file} --solver {name} --model {path}")
