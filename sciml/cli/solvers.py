"""sciml solvers [NAME]"""

from __future__ import annotations

from collections.abc import Mapping

import click

from .common import describe_options, json_option, print_json, print_table


@click.command("solvers")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the solvers, or the options of one with types, defaults and meanings."""
    from .. import registry

    if name is None:
        rows = [
            (key, registry.plugin_of(cls).name, _dimensions(cls.solves.accepts), cls.summary)
            for key, cls in registry.solvers().items()
        ]
        if as_json:
            keys = ("name", "plugin", "dimensions", "summary")
            print_json([dict(zip(keys, row, strict=True)) for row in rows])
        else:
            print_table(("solver", "plugin", "dim", "what it is"), rows)
        return
    cls = registry.get_solver(name)
    options = describe_options(cls)
    if as_json:
        print_json({"name": cls.name, "summary": cls.summary, "citation": cls.citation, "options": options})
        return
    click.echo(f"{cls.name}: {cls.summary}\n{(cls.__doc__ or '').strip()}")
    rows = [(str(o["option"]), str(o["type"]), str(o["default"]), str(o["meaning"])) for o in options]
    print_table(("option", "type", "default", "meaning"), rows)
    click.echo(cls.citation)


def _dimensions(accepts: Mapping[str, frozenset[str]]) -> str:
    """Of space; of transport problems, which have none, the kind."""
    nothing: frozenset[str] = frozenset()
    return "/".join(sorted(accepts.get("dim", nothing) or accepts.get("kind", nothing)))
