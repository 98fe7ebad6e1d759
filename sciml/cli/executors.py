"""sciml executors [NAME]"""

from __future__ import annotations

import click

from .common import describe_options, json_option, print_json, print_table


@click.command("executors")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List where campaigns can run (`sciml compare --executor NAME`), or the options of one."""
    from .. import registry

    if name is None:
        found = registry.executors().items()
        rows = [(key, _plugin(cls), cls.summary) for key, cls in found]
        if as_json:
            print_json([dict(zip(("name", "plugin", "summary"), row, strict=True)) for row in rows])
        else:
            print_table(("executor", "plugin", "what it is"), rows)
        return
    cls = registry.get_executor(name)
    options = describe_options(cls)
    if as_json:
        print_json({"name": cls.name, "summary": cls.summary, "options": options})
        return
    click.echo(f"{cls.name}: {cls.summary}\n{(cls.__doc__ or '').strip()}")
    lines = [(str(o["option"]), str(o["type"]), str(o["default"]), str(o["meaning"])) for o in options]
    print_table(("option", "type", "default", "meaning"), lines)


def _plugin(cls: object) -> str:
    from .. import registry

    return next(plugin.name for plugin in registry.plugins() if cls in plugin.executors)
