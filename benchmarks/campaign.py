"""What a campaign costs beside its cells: time a cell, memory of the coordinator and of the largest worker, bytes and
files a cell. The cells do nothing.

    python benchmarks/campaign.py --cells 10000 --executor local --workers 2
    python benchmarks/campaign.py --cells 1000 --executor dask --workers 2        # brings its own scheduler
    python benchmarks/campaign.py --cells 10000 --executor none     # what the coordinator itself can do
    python benchmarks/campaign.py --cells 20 --executor slurm --workers 2         # jobs as processes of this machine
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

SOLVER = '''
from typing import ClassVar
import numpy as np
from sciml import Solution, Solver, Solves, hookimpl

class Nothing(Solver):
    name: ClassVar[str] = "nothing"
    solves: ClassVar[Solves] = Solves(kind={"evolution"}, dim={"0"}, fields={"system"})
    classical: ClassVar[bool] = True

    def solve(self, problem, run):
        t = problem.grid.times
        return Solution(values={"x": np.cos(t), "y": np.sin(t)})

@hookimpl
def register_solvers():
    return [Nothing]
'''


def install(folder: Path) -> None:
    """A stranger's package, found through its entry point by every process that has the folder in its path."""
    about = folder / "nothing_solver-1.dist-info"
    about.mkdir(parents=True)
    (folder / "nothing_solver.py").write_text(SOLVER)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: nothing-solver\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[sciml]\nnothing = nothing_solver\n")
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


def cluster(stack: ExitStack, workers: int) -> tuple[str, list[int]]:
    """A Dask scheduler and its workers on loopback; the scheduler's address, and the processes' numbers."""
    started = []
    spot = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "scheduler.json"
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(spot)]
    worker = ["worker", "--nthreads", "1", "--no-dashboard", "--scheduler-file", str(spot)]
    for command in (scheduler, *[worker] * workers):
        process = subprocess.Popen([sys.executable, "-m", "dask", *command], stderr=subprocess.DEVNULL)
        started.append(process.pid)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        while not spot.exists():
            time.sleep(0.1)
    return str(json.loads(spot.read_text())["address"]), started


def _spent(pid: int) -> float:
    """CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _none() -> Any:
    """An executor whose cells cost nothing, not even a result."""
    from typing import ClassVar

    from sciml import Executor

    class Nowhere(Executor):
        name: ClassVar[str] = "none"

        def run(self, cells: Any, site: Any) -> Any:
            for cell in cells:
                json.loads(json.dumps(cell.as_plain()))
                yield cell, json.loads(json.dumps(cell.failed("ok")))

    return Nowhere


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--executor", default="local")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--option", action="append", default=[])
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        install(folder / "installed")
        import numpy as np

        from sciml import Equation, Grid, Problem, registry
        from sciml.campaign import Site
        from sciml.campaign.submitting import campaign
        from sciml.cli.common import parse_options
        from sciml.files import problem_file
        from sciml.planning import plan
        from sciml.report.document import Request, document
        from sciml.report.sections import section
        from sciml.report.writing import write_report

        equation = Equation.parse(["x_t = -y", "y_t = x"], ["x", "y"])
        problem_file.write(
            folder / "circle.h5",
            Problem("circle", equation, Grid((), np.linspace(0.0, 2.0, 21)), initial_text={"x": "1", "y": "0"}),
        )
        helpers: list[int] = []
        options = {"dask": [], "slurm": ["cluster=local"]}.get(asked.executor, [])
        if asked.executor == "dask":
            address, helpers = cluster(stack, asked.workers)
            options = [f"address={address}"]
        if asked.executor == "none":
            registry.get_executor = lambda name: _none()  # type: ignore[assignment]
        executor = registry.get_executor(asked.executor).from_strings(parse_options([*options, *asked.option]))
        planned = plan([folder / "circle.h5"], [registry.get_solver("nothing")()], folder / "store")
        before, start, cpu = _peak(resource.RUSAGE_SELF), time.monotonic(), time.process_time()
        marks: list[float] = []
        site = Site(folder / "store", asked.workers, notice=lambda text: marks.append(time.monotonic()))
        record = folder / "rows.jsonl"
        spent = [_spent(pid) for pid in helpers[:1]]
        (rows,) = campaign(planned, executor, site, seeds=range(asked.cells), record=record)
        cpu = time.process_time() - cpu
        spent = [_spent(pid) - then for pid, then in zip(helpers, spent, strict=False)]
        took, peak = time.monotonic() - start, _peak(resource.RUSAGE_SELF)
        start = time.monotonic()
        parts = [section(planned[0], rows, folder / "store")]
        request = Request("benchmark", folder / "store", seeds=tuple(range(asked.cells)))
        files = write_report(folder / "report", document(parts, request), parts)
        told = time.monotonic() - start
        failed = [row.outcome for row in rows if row.outcome != "ok"]
        sizes = [path.stat().st_size for path in (folder / "store").glob("circle/*.h5")] or [0]
        print(f"{asked.executor}: {asked.cells} cells, {asked.workers} workers, {len(failed)} failed {failed[:1]}")
        each = 1e3 * took * asked.workers / len(rows)
        print(f"{took:.1f} s, {len(rows) / took:.1f} cells/s, {each:.0f} ms a cell and worker")
        print(f"coordinator {1e3 * cpu / len(rows):.2f} ms of CPU time a cell, ", end="")
        if spent:
            print(f"Dask's scheduler {1e3 * spent[0] / len(rows):.2f}, ", end="")
        print(f"{before:.0f} MB before, {peak:.0f} MB at most; ", end="")
        print(f"store {len(sizes)} files, {sum(sizes) / len(sizes):.0f} bytes each; ", end="")
        print(f"rows.jsonl {record.stat().st_size / len(rows):.0f} bytes a row")
        print(f"cores of this machine {os.cpu_count()}, load {os.getloadavg()[0]:.1f}; ", end="")
        print(f"report in {told:.1f} s: " + ", ".join(f"{p.name} {p.stat().st_size / 1e6:.1f} MB" for p in files))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"all processes that were started: {used.ru_utime + used.ru_stime:.1f} s of CPU time, ", end="")
    print(f"the largest {_peak(resource.RUSAGE_CHILDREN):.0f} MB")


def _peak(who: int) -> float:
    """MB."""
    return resource.getrusage(who).ru_maxrss / 1024


if __name__ == "__main__":
    main()
