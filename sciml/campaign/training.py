"""Cells that train: a learned solver on a family, by one process or by several that torchrun starts.

Started by torchrun as `python -m sciml.campaign.training FOLDER`: cell.json there is the cell, answer.json becomes the
first process's answer.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from .. import family, registry
from ..cell import Answer, Cell
from ..errors import Busy, RunFailed, ScimlError, Stopped, UsageError
from ..kinds import kind_of
from ..learning import LearnedSolver
from ..learning.model import read_card
from ..learning.models import choose
from ..planning import Planned
from ..row import Row
from ..solver import Solver
from ..solving.training import train_model

GRACE = 60.0  # seconds that interrupted processes have for the end of their step


def to_train(paths: Sequence[Path], solvers: Sequence[Solver], store: Path) -> list[Planned]:
    """Of the families among these files: the learned solvers that could be trained on them, and have no model there."""
    found = []
    for path in paths:
        kind = kind_of(path)
        if kind.word == "family":
            task = family.read(path)
            lacking = tuple(s for s in solvers if isinstance(s, LearnedSolver) and _lacking(s, task, store))
            found.append(Planned(path, kind, task, lacking))
    return found


def _lacking(solver: LearnedSolver, task: family.Family, store: Path) -> bool:
    if solver.refuses_family(task):
        return False
    try:
        choose(solver, task, store, None)
    except UsageError:
        return True
    return False


def trained(cell: Cell) -> Answer:
    """Train, unless the model is there. Raises Stopped for Ctrl-C, Busy, and what else `train_model` raises."""
    if cell.processes == 1:
        return _here(cell)
    with tempfile.TemporaryDirectory(prefix="sciml-") as folder:
        (Path(folder) / "cell.json").write_text(json.dumps(cell.as_plain()))
        command = [
            sys.executable, "-P", "-m", "torch.distributed.run", "--nproc-per-node", str(cell.processes),
            "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", "--module", "sciml.campaign.training", folder,
        ]  # fmt: skip
        process = subprocess.Popen(command)
        try:
            code = process.wait()
        except BaseException:  # Ctrl-C: torchrun passes it on, and the first process saves the checkpoint
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            process.kill()
            raise
        told = Path(folder) / "answer.json"
        if not told.exists():
            raise RunFailed(f"the {cell.processes} processes ended with exit code {code}; run again to resume")
        answer: Answer = json.loads(told.read_text())
        return answer


def _here(cell: Cell) -> Answer:
    cls = registry.get_solver(cell.solver)
    solver = cls.build(**cell.options)
    assert isinstance(solver, LearnedSolver)
    path = train_model(
        family.read(Path(cell.path)), solver, seed=cell.seed, device=cell.device, budget=cell.budget,
        store=cell.store, data=cell.data, fresh=cell.fresh, wait=False,
    )  # fmt: skip
    card = read_card(path)
    spent, name = card.seconds, path.stem.rpartition("-")[2]
    return {"row": asdict(Row(**cell.head(), outcome="ok", seconds=spent, training=spent, cell=name))}


def main() -> None:
    """One of several processes."""
    import torch

    folder, rank = Path(sys.argv[1]), int(os.environ["RANK"])
    cell = Cell(**json.loads((folder / "cell.json").read_text()))
    sys.argv = cell.command()
    if cell.device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        answer = _here(cell)
    except Busy:
        answer = {"busy": True}
    except (Stopped, KeyboardInterrupt) as error:
        if isinstance(error, KeyboardInterrupt) or "Ctrl-C" in error.reason:
            sys.exit(1)
        answer = cell.failed(str(error))
    except ScimlError as error:
        answer = cell.failed(str(error))
    if rank == 0:
        (folder / "answer.tmp").write_text(json.dumps(answer))
        os.replace(folder / "answer.tmp", folder / "answer.json")
    sys.exit(0 if answer.get("row", {}).get("cell") else 1)  # 1: torchrun ends the others, who may be waiting for us


def _end_with_parent(parent: int) -> None:
    """torchrun's processes have sessions of their own: who kills torchrun does not reach them."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE)
    os._exit(1)


if __name__ == "__main__":
    main()
