"""sciml data FAMILY"""

from __future__ import annotations

from pathlib import Path

import click

from .common import data_option, file_argument, json_option, parse_options, print_json, print_table, progress


@click.command("data")
@file_argument()
@click.option(
    "--split", "splits", multiple=True, type=click.Choice(["train", "valid", "test"]), help="Default: all three."
)
@click.option("--count", type=int, help="Members of each split; default: as many as FILE says.")
@click.option("--budget", type=float, help="Seconds; what is not finished can be resumed.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="A file of The Well or PDEBench: one split.")
@click.option("--field", "fields", multiple=True, metavar="NAME=THEIRS", help="What that file calls a field.")
@data_option
@json_option
def command(
    file: Path, splits: tuple[str, ...], count: int | None, budget: float | None, source: Path | None,
    fields: tuple[str, ...], data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Make the training, validation and test data of a family FILE with its own solver; what is there is kept.

    With --from, the data of one split are read from a file of The Well or PDEBench instead.
    """
    import numpy as np

    from .. import family
    from ..dataset import make
    from ..dataset.apart import import_apart
    from ..errors import UsageError
    from ..run import Run

    found = family.read(file)
    if source is not None and len(splits) != 1:
        raise UsageError("--from fills one split; say which with --split.")
    if source is not None:
        import_apart(source, found, splits[0], data, parse_options(fields))
    rows = []
    with progress(f"{found.name} · data") as bar:
        run = Run(budget=budget, on_progress=bar)
        with run:
            for split in splits or family.SPLITS:
                made = make(found, split, data, count=count, run=run)
                first = made.error[:, 1 if len(made.times) > 1 else 0]
                error = None if np.isnan(first).all() else float(np.nanmax(first))
                size = sum(array.nbytes for array in made.values.values())
                rows.append((split, made.count, size / 1e6, error, made.hash))
    if as_json:
        print_json([dict(zip(("split", "members", "megabytes", "error", "hash"), row, strict=True)) for row in rows])
        return
    text = [
        (split, str(count), f"{size:.1f}", "unknown" if error is None else f"{error:.1e}", key[:16])
        for split, count, size, error, key in rows
    ]
    print_table(("split", "members", "MB", "error of a step", "hash"), text)
    click.echo(f"kept in {data}; next: sciml train {file} --solver NAME")
