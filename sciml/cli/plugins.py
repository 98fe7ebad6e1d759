"""sciml plugins"""

from __future__ import annotations

import click

from .common import json_option, print_json, print_table


@click.command("plugins")
@json_option
def command(as_json: bool) -> None:
    """List installed plugins with what they bring; a broken one with the reason."""
    from .. import registry

    rows = [
        (
            p.name, f"{p.distribution} {p.version}", p.status, ", ".join(cls.name for cls in p.solvers),
            p.problem if p.status == "broken" else "",
        )
        for p in registry.plugins()
    ]  # fmt: skip
    if as_json:
        keys = ("plugin", "distribution", "status", "solvers", "problem")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        print_table(("plugin", "distribution", "status", "solvers", "what is wrong"), rows)
