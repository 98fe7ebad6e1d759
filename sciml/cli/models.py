"""sciml models; sciml models calibrate FILE"""

from __future__ import annotations

from pathlib import Path

import click

from .common import data_option, json_option, notice, print_json, print_table, progress, store_option


@click.group("models", invoke_without_command=True)
@store_option
@json_option
@click.pass_context
def command(context: click.Context, store: Path, as_json: bool) -> None:
    """List trained models: those shipped with solvers, and those `sciml train` made."""
    if context.invoked_subcommand is not None:
        return
    from ..learning.models import entries

    rows = []
    for entry in entries(Path(str(store)), notice):
        card = entry.card
        shown = ", ".join(f"{name} {value:.2g}" for name, value in card.metrics.items())
        rows.append({
            "path": str(entry.path), "origin": entry.origin, "solver": card.solver, "family": card.family["name"],
            "parameters": card.parameters, "iterations": card.iterations, "seconds": card.seconds,
            "metrics": card.metrics, "options": card.options, "shown": shown, "command": card.command,
        })  # fmt: skip
    if as_json:
        print_json([{k: v for k, v in row.items() if k != "shown"} for row in rows])
        return
    keys = ("solver", "family", "origin", "parameters", "iterations", "seconds", "shown", "path")
    table = [[f"{r[key]:.0f}" if key == "seconds" else str(r[key]) for key in keys] for r in rows]
    print_table(("solver", "family", "origin", "parameters", "steps", "s", "validation", "file"), table)


@command.command("calibrate")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="Where to write; default: the same file.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@data_option
def calibrate(model: Path, output: Path | None, device: str, data: Path) -> None:
    """Fit the spread that MODEL states to the validation data of its family. Its weights stay as they are."""
    from ..learning.model import read_card
    from ..solving.training import calibrate_model

    with progress(f"{model.name} · calibration") as bar:
        path = calibrate_model(model, output=output, device=device, data=data, on_progress=bar)
    metrics = ", ".join(f"{key} {value:.4g}" for key, value in read_card(path).metrics.items())
    click.echo(f"validation  {metrics}")
    click.echo(f"kept as {path}")
