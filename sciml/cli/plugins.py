"""sciml plugins; sciml plugins install PACKAGE…"""

from __future__ import annotations

import subprocess
import sys

import click

from .common import json_option, notice, print_json, print_table


@click.group("plugins", invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List installed plugins with what they bring; a broken one with the reason."""
    if context.invoked_subcommand is not None:
        return
    from .. import registry

    rows = [
        (
            p.name, f"{p.distribution} {p.version}", p.status, ", ".join(cls.name for cls in p.solvers),
            ", ".join(cls.name for cls in p.executors), ", ".join(f"{cls.name} {cls.version}" for cls in p.metrics),
            p.problem if p.status == "broken" else "",
        )
        for p in registry.plugins()
    ]  # fmt: skip
    if as_json:
        keys = ("plugin", "distribution", "status", "solvers", "executors", "metrics", "problem")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        shown = [(*row[:3], _brought(*row[3:6]), row[6]) for row in rows]
        print_table(("plugin", "distribution", "status", "brings", "what is wrong"), shown)


@command.command("install", context_settings={"ignore_unknown_options": True})
@click.argument("packages", nargs=-1, required=True, type=click.UNPROCESSED)
def install(packages: tuple[str, ...]) -> int:
    """Install packages into the environment sciml runs in, and say what they brought.

    PACKAGES, and any options among them, are handed to pip as they are: a name, a folder, a wheel, -e FOLDER, …
    """
    from ..errors import RunFailed

    before = _solvers()
    done = subprocess.run([sys.executable, "-m", "pip", "install", *packages], check=False)
    if done.returncode:
        raise RunFailed(f"pip did not install {' '.join(packages)}; what it printed says why.")
    after = _solvers()
    for name in sorted(after.keys() - before.keys()):
        notice(f"plugin {name} ({after[name]})")
    if after.keys() == before.keys():
        notice("no plugin came with it that was not there before.")
    return 0


def _brought(solvers: str, executors: str, metrics: str) -> str:
    """Solvers as they are; of the rest, what it is."""
    rest = [f"{kind}: {names}" for kind, names in (("executors", executors), ("metrics", metrics)) if names]
    return "; ".join([*([solvers] if solvers else []), *rest])


def _solvers() -> dict[str, str]:
    """Plugins with their solvers or what is wrong, as a new process finds them: this one has loaded its own."""
    code = (
        "from sciml import registry\n"
        "for p in registry.plugins():\n"
        "    print(p.name, ', '.join(c.name for c in (*p.solvers, *p.executors)) or p.problem, sep='\\t')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)
