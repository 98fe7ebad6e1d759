"""sciml bench kernels"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from .common import notice, print_table, progress

if TYPE_CHECKING:
    from ..kernels.bench import Measured

PATHS = ("triton", "compiled", "eager")


@click.group("bench")
def command() -> None:
    """Measure what the toolkit is made of."""


@command.command("kernels")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float64", show_default=True)
@click.option("--sizes", help="Numbers a kernel moves, as 1e5,1e6; default: two sizes on a CPU, four on a card.")
@click.option("--only", default="", metavar="WORDS", help="Kernels whose name holds these words.")
@click.option("--budget", type=float, default=420.0, show_default=True, help="Seconds; what is left out is said.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all numbers to this file.")
@click.option("--plot", "plot_file", type=click.Path(path_type=Path), help="Draw shares of a copy's bandwidth (PNG).")
def bench_kernels(
    device: str, dtype: str, sizes: str | None, only: str, budget: float, json_file: Path | None, plot_file: Path | None
) -> None:
    """Every Triton kernel against a copy of as many bytes, its torch reference, and torch.compile of that."""
    if not budget > 0:
        raise UsageError(f"the budget must be a positive number of seconds, not {budget:g}.")
    asked = parse_sizes(sizes) if sizes is not None else None
    import torch

    from ..files.atomic import write_bytes
    from ..kernels.bench import SIZES, measure
    from ..kernels.registry import kernels
    from ..solving.problem import check_device

    check_device(device)
    if not any(only in name for name in kernels()):
        raise UsageError(f"no kernel's name holds {only!r}; there are {', '.join(kernels())}.")
    asked = asked or SIZES[device.partition(":")[0]]
    with progress("kernels") as bar:
        rows = measure(device, getattr(torch, dtype), asked, budget, only, bar)
    name = torch.cuda.get_device_name(device) if device != "cpu" else "cpu"
    title = f"kernels on {name}, {dtype}" + (f", {torch.get_num_threads()} threads" if device == "cpu" else "")
    _show(rows, title)
    if json_file is not None:
        told = {"device": name, "dtype": dtype, "torch": torch.__version__, "kernels": [row.record() for row in rows]}
        write_bytes(json_file, json.dumps(told, indent=2).encode())
        click.echo(f"numbers in {json_file}")
    if plot_file is not None:
        from ..kernels.chart import draw

        write_bytes(plot_file, draw(rows, title))
        click.echo(f"picture in {plot_file}")


def parse_sizes(text: str) -> tuple[int, ...]:
    """`"1e5,200000"` -> (100000, 200000). Raises UsageError."""
    try:
        found = tuple(int(float(part)) for part in text.split(","))
    except (ValueError, OverflowError):
        raise UsageError(f"--sizes takes numbers as 1e5,1e6, not {text!r}.") from None
    if not all(1000 <= n <= 10**9 for n in found):
        raise UsageError(f"--sizes must lie between 1e3 and 1e9, not {text!r}.")
    return found


def _show(rows: list[Measured], title: str) -> None:
    table = []
    for row in rows:
        shares = [row.of_copy(path) for path in PATHS]
        best = "triton" if "triton" in row.seconds else "eager" if "eager" in row.seconds else "copy"
        table.append((
            row.kernel, f"{row.bytes / 1e6:.3g}", f"{row.bytes / row.seconds['copy'] / 1e9:.3g}",
            *("–" if share is None else f"{100 * share:.3g} %" for share in shares),
            f"{row.flops / row.seconds[best] / 1e9:.3g}",
        ))  # fmt: skip
    headings = ("kernel", "MB", "copy GB/s", *(f"{p}, of copy" for p in PATHS), "Gflop/s")
    print_table(headings, table, title)
    reasons: dict[str, list[str]] = {}
    for row in rows:
        for path, why in row.missing.items():
            reasons.setdefault(f"{path} was not timed: {why}", []).append(row.kernel)
    for reason, names in reasons.items():
        distinct = list(dict.fromkeys(names))
        everywhere = len(names) == len(rows)
        notice(reason if everywhere else f"{reason} ({', '.join(distinct)})")
