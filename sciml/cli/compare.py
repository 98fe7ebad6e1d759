"""sciml compare FILE… --solvers a,b -o FOLDER"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import file_argument, json_option, notice, parse_options, print_table, run_options

if TYPE_CHECKING:
    from ..executor import Executor, Site
    from ..report.against import Change
    from ..report.sections import Section
    from ..row import Row
    from ..solver import Solver
    from ..study import Study


MOST_PRINTED = 200  # rows on a terminal


@click.command("compare")
@file_argument("files", nargs=-1)
@click.option("--solvers", help="Names with commas between them, or `all` that can; name:key=value sets options.")
@click.option("--seeds", help="Whole numbers with commas between them.  [default: 0]")
@click.option("--study", "study_file", type=click.Path(path_type=Path), help="A TOML file instead of FILES, --solvers.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Folder for report.html, .md, .json, table.csv.")
@click.option("--against", type=click.Path(path_type=Path), help="An older report.json: say what got better, worse.")
@click.option("--no-classical", is_flag=True, help="Add no classical solver where none was asked for.")
@click.option("--no-animation", is_flag=True, help="Leave animations out of the page.")
@click.option("--executor", help="Run the cells elsewhere: local, dask, slurm, … (see `sciml executors`).")
@click.option("--workers", type=int, help="Cells at once, with --executor; default: what the executor finds.")
@click.option("--executor-option", "pairs", multiple=True, metavar="KEY=VALUE", help="Repeatable.")
@click.option("--train", is_flag=True, help="With --executor: train what has no model first, in cells of its own.")
@run_options
@json_option
def command(
    files: tuple[Path, ...], solvers: str | None, seeds: str | None, study_file: Path | None, output: Path | None,
    against: Path | None, no_classical: bool, no_animation: bool, executor: str | None, workers: int | None,
    pairs: tuple[str, ...], train: bool, device: str, dtype: str, budget: float | None, store: Path, data: Path,
    fresh: bool, as_json: bool,
) -> int:  # fmt: skip
    """Solve every problem (or family) FILE with every solver (what is finished is not run again), print one table, and
    write one page about it.

    A solver that fails or runs out of its budget is a row that says so. With --executor cells run in processes of their
    own, here or on a cluster: a crash is a row, too.
    """
    from ..comparing import as_json as rows_as_json
    from ..comparing import check_size, rows_of
    from ..planning import plan
    from ..report.against import changes, read_old
    from ..report.document import Request, document
    from ..report.sections import section
    from ..report.writing import write_report
    from ..run import Run

    study = _study(files, solvers, study_file)
    place = _executor(study, executor, workers, pairs)
    numbers = study.seeds if seeds is None else _numbers(seeds)
    budget = study.budget if budget is None else budget
    Run(budget=budget, dtype=dtype)  # a bad value ends this before any work
    old = None if against is None else read_old(against)
    if train:
        _train(study, place, numbers[0], device=device, budget=budget, store=store, data=data)
    planned = plan(study.problems, study.solvers, store, classical=study.classical and not no_classical)
    for part in planned:
        if part.added:
            notice(f"{part.task.name}: no classical solver was asked for; {part.added} is added (see --no-classical)")
    check_size(planned, numbers)
    if place is None:
        groups = [
            rows_of(
                part, seeds=numbers, on_cell=notice, store=store, budget=budget, device=device, dtype=dtype,
                fresh=fresh, data=data,
            )
            for part in planned
        ]  # fmt: skip
    else:
        from ..campaign.submitting import campaign

        record = None if output is None else output / "rows.jsonl"
        groups = campaign(
            planned, *_site(place, store, device), seeds=numbers, record=record, budget=budget, dtype=dtype,
            fresh=fresh, data=data,
        )  # fmt: skip
    rows = [row for group in groups for row in group]
    if as_json:
        click.echo(rows_as_json(rows))
    else:
        _print(rows)
    if output is None and old is None:
        return 0
    sections = [section(part, group, store) for part, group in zip(planned, groups, strict=True)]
    request = Request(_command_line(), store, study.title, tuple(numbers), budget, device, dtype)
    whole = document(sections, request)
    changed, remarks = changes(old, whole) if old is not None else (None, [])
    if not as_json:
        _tell(sections, changed, remarks, against)
    if output is not None:
        for path in write_report(
            output, whole, sections, animation=not no_animation, changed=changed, remarks=remarks, older=str(against)
        ):
            notice(f"wrote {path}")
    return 0


def _print(rows: list[Row]) -> None:
    """The table, of a campaign its beginning."""
    from ..comparing import table

    print_table(*table(rows[:MOST_PRINTED]))
    if len(rows) > MOST_PRINTED:
        failed = sum(not row.cell for row in rows)
        more = f"These are the first {MOST_PRINTED} of {len(rows)} rows, of which {failed} have no result"
        click.echo(f"{more}; -o FOLDER or --json gives all.\n")


def _tell(sections: list[Section], changed: list[Change] | None, remarks: list[str], against: Path | None) -> None:
    """Verdicts, and what got better and worse."""
    from ..report.text import change_lines

    for part in sections:
        click.echo(f"{part.about.name}: {part.verdict.text}")
    if changed is not None:
        click.echo(f"\nAgainst {against}:")
        for line in (*change_lines(changed), *(f"- {remark}" for remark in remarks)):
            click.echo(line)


def _study(files: tuple[Path, ...], solvers: str | None, study_file: Path | None) -> Study:
    """From the file, or from the command line. Raises UsageError for both, or neither."""
    from .. import registry
    from ..errors import UsageError
    from ..study import Study, read_study

    if study_file is not None:
        if files or solvers:
            raise UsageError("a study names its problems and solvers itself; leave FILES and --solvers out.")
        return read_study(study_file)
    if not files or solvers is None:
        raise UsageError("compare takes problem files and --solvers (`all`, or names), or --study FILE.")
    if solvers == "all":
        return Study("", files, None)
    chosen: list[Solver] = []
    for item in (s for s in solvers.split(",") if s):
        name, *pairs = item.split(":")
        chosen.append(registry.get_solver(name).from_strings(parse_options(pairs)))
    if not chosen:
        raise UsageError("--solvers names no solver; see `sciml solvers`.")
    return Study("", files, tuple(chosen))


def _executor(
    study: Study, name: str | None, workers: int | None, pairs: tuple[str, ...]
) -> tuple[Executor, int | None] | None:
    """Who runs the cells, and how many at once: from the command line, else from the study; None: this process."""
    from .. import registry
    from ..errors import UsageError

    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be at least 1, not {workers}.")
    if name is not None:
        return registry.get_executor(name).from_strings(parse_options(pairs)), workers
    if study.executor is None:
        if workers is not None or pairs:
            raise UsageError("--workers and --executor-option go with --executor; see `sciml executors`.")
        return None
    if pairs:
        raise UsageError("the study has its executor's options; name --executor to replace them.")
    return study.executor, study.workers if workers is None else workers


def _site(place: tuple[Executor, int | None], store: Path, device: str) -> tuple[Executor, Site]:
    from ..executor import Site

    return place[0], Site(store.resolve(), place[1], device, notice)


def _train(
    study: Study, place: tuple[Executor, int | None] | None, seed: int, *, device: str, budget: float | None,
    store: Path, data: Path,
) -> None:  # fmt: skip
    """Learned solvers on the families of the study for which they have no model, and say what came of it."""
    from ..campaign.submitting import campaign
    from ..campaign.training import to_train
    from ..errors import UsageError

    if place is None or study.solvers is None:
        raise UsageError("--train goes with --executor and with solvers by name; `sciml train` trains without.")
    planned = to_train(study.problems, study.solvers, store)
    groups = campaign(
        planned, *_site(place, store, device), seeds=(seed,), budget=budget, data=data, work="train"
    )  # fmt: skip
    for row in (row for group in groups for row in group):
        told = f"trained in {row.training:.0f} s" if row.cell else f"not trained: {row.outcome}"
        notice(f"{row.problem} · {row.label()}: {told}")


def _numbers(seeds: str) -> tuple[int, ...]:
    from ..errors import UsageError

    try:
        return tuple(int(seed) for seed in seeds.split(","))
    except ValueError:
        raise UsageError(f"--seeds must be whole numbers with commas between them, not {seeds!r}.") from None


def _command_line() -> str:
    import shlex
    import sys

    return shlex.join(["sciml", *sys.argv[1:]])
