"""What several commands share: option types, tables, progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..progress import progress as progress

if TYPE_CHECKING:
    from ..options import Options


def file_argument(name: str = "file", **more: Any) -> Callable[[Any], Any]:
    """A path that is checked by us, so that the sentence is ours."""
    return click.argument(name, type=click.Path(path_type=Path), **more)


def json_option(command: Any) -> Any:
    return click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")(command)


def store_option(command: Any) -> Any:
    from ..solving.problem import DEFAULT_STORE

    option: Any = click.option(
        "--store", type=click.Path(path_type=Path), default=DEFAULT_STORE, show_default=True,
        help="Folder where results are kept.",
    )  # fmt: skip
    return option(command)


def data_option(command: Any) -> Any:
    from ..solving.training import DEFAULT_DATA

    option: Any = click.option(
        "--data", type=click.Path(path_type=Path), default=DEFAULT_DATA, show_default=True,
        help="Folder where the data of families are kept.",
    )  # fmt: skip
    return option(command)


def run_options(command: Any) -> Any:
    """Options of everything that runs solvers."""
    options: list[Any] = [
        click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N."),
        click.option("--dtype", default="float64", show_default=True, help="float64 or float32."),
        click.option("--budget", type=float, help="Seconds; what is not finished can be resumed."),
        store_option,
        data_option,
        click.option("--fresh", is_flag=True, help="Run again, even if a result is there."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def parse_options(pairs: Sequence[str]) -> dict[str, str]:
    """`("a=1", "b=x")` -> dict. Raises UsageError."""
    options = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"option {pair!r} is not of the form key=value.")
        options[key.strip()] = value.strip()
    return options


def print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, default=str))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """A table that is never cut when the output is not a terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    table = Table(*headings, title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(str(cell).replace("[", "\\[") for cell in row))
    console.print(table)


def notice(text: str) -> None:
    click.echo(f"sciml: {text}", err=True)


def describe_options(cls: type[Options]) -> list[dict[str, Any]]:
    """What a solver or an executor can be told: name, type, default, meaning and bounds of every option."""
    return [
        {
            "option": key, "type": _type(info.annotation), "default": info.default, "meaning": info.description,
            "constraints": [str(c) for c in info.metadata],
        }
        for key, info in cls.model_fields.items()
    ]  # fmt: skip


def _type(annotation: object) -> str:
    from typing import Literal, get_args, get_origin

    if get_origin(annotation) is Literal:
        return " | ".join(str(choice) for choice in get_args(annotation))
    return getattr(annotation, "__name__", str(annotation))
