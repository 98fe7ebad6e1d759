"""sciml models"""

from __future__ import annotations

import click

from .common import json_option, notice, print_json, print_table, store_option


@click.command("models")
@store_option
@json_option
def command(store: object, as_json: bool) -> None:
    """List trained models: those shipped with solvers, and those `sciml train` made."""
    from pathlib import Path

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
