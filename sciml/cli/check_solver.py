"""sciml check-solver NAME"""

from __future__ import annotations

import json
import sys

import click

from .common import json_option, parse_options

SIGNS = {"passed": "ok", "failed": "FAILED", "skipped": "–", "expected": "known"}


@click.command("check-solver")
@click.argument("name")
@click.option("--option", "-o", "pairs", multiple=True, metavar="KEY=VALUE", help="A solver option; repeatable.")
@click.option("--tolerance", default=1e-2, show_default=True, help="Relative L2 error allowed on exact solutions.")
@click.option("--problems", "most", default=3, show_default=True, help="How many of the small problems are solved.")
@json_option
def command(name: str, pairs: tuple[str, ...], tolerance: float, most: int, as_json: bool) -> int:
    """Check that the solver NAME keeps the promises that every plugin makes.

    It is run on small problems whose solution is known. Exit code 1 if a check fails.
    """
    from .. import registry
    from ..testing import check_solver

    cls = registry.get_solver(name)
    asked = parse_options(pairs)
    options = {key: value for key, value in cls.from_strings(asked).options().items() if key in asked}
    found = []
    for outcome in check_solver(cls, options=options, tolerance=tolerance, most=most):
        found.append(outcome)
        if not as_json:
            click.echo(f"{SIGNS[outcome.status]:<7} {outcome.check:<22} {outcome.reason or outcome.about}")
    failed = sum(outcome.status == "failed" for outcome in found)
    if as_json:
        click.echo(json.dumps([vars(outcome) for outcome in found], indent=2))
    else:
        print(f"{len(found) - failed} of {len(found)} checks hold", file=sys.stderr)
    return 1 if failed else 0
