"""Training, the same for every learned solver: Adam, a schedule, clipping, an average of the weights, checkpoints.

Step i draws all its random numbers from (seed, i), so that a run stopped anywhere and resumed ends with the same
bits as one that was not, and processes that share a batch take the same step as one process.
"""

from __future__ import annotations

import copy
import math
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..dataset import Dataset, digest
from ..errors import RunFailed, Stopped, UsageError
from ..provenance import versions
from ..registry import plugin_of
from ..run import Run
from .model import Card, Model, Seen
from .processes import Processes
from .randomness import borrowed
from .schedules import rate
from .solver import LearnedSolver, Task

PLACES = ("--data", "--store", "--output")
WARM = 5  # first steps, which may compile: they tell nothing about those that follow
TRIAL = 20  # steps after which the number of steps that a budget allows is known
RESERVE = 0.9  # share of the budget that is planned for


def train(solver: LearnedSolver, train: Dataset, valid: Dataset, run: Run) -> Model:
    """Train on a data set, validate on another, and return the averaged weights.

    With `iterations` 0 the number of steps is what the run's budget allows, measured over the first steps and
    then fixed. Raises RunFailed where the loss is no longer finite, Stopped when budget or Ctrl-C end it (the
    checkpoint stays), UsageError where the data share a member or are not of one family.
    """
    check_apart(train, valid)
    processes = Processes.joined(run.device)
    with borrowed(run.seed):
        return _Training(solver, train, valid, run, processes).to_end()


def check_apart(train: Dataset, valid: Dataset) -> None:
    """Raise UsageError unless two data sets are of one family and share no member."""
    if train.family.content_hash != valid.family.content_hash:
        raise UsageError(
            f"training data of {train.family.name} and validation data of {valid.family.name} do not match."
        )
    shared = {digest(p) for p in train.problems} & {digest(p) for p in valid.problems}
    if shared:
        raise UsageError(f"{len(shared)} of the validation problems are in the training data.")


class _Training:
    def __init__(
        self, solver: LearnedSolver, train: Dataset, valid: Dataset, run: Run, processes: Processes
    ) -> None:
        self.solver, self.data, self.run, self.processes = solver, train, run, processes
        self.task: Task = solver.task(train, valid, run)
        self.network = self.task.network
        self.averaged = copy.deepcopy(self.network).requires_grad_(False) if solver.ema else self.network
        self.parameters = [p for p in self.network.parameters() if p.requires_grad]
        self.optimiser = torch.optim.Adam(
            self.parameters, lr=solver.learning_rate, weight_decay=solver.weight_decay, fused=True
        )
        self.iteration, self.planned, self.metrics = 0, solver.iterations, dict[str, float]()
        self.best: dict[str, Any] = {}  # averaged weights by name, of keep=best
        self.best_metrics: dict[str, float] = {}
        if not self.planned and run.budget is None:
            raise UsageError("iterations is 0: give a --budget in seconds, or the number of iterations.")
        saved = run.restore()
        if saved is not None:
            self._restore(saved)

    def to_end(self) -> Model:
        stopped, began, warm = "", self.iteration, time.monotonic()
        while not self.planned or self.iteration < self.planned:
            value = self._step()
            if not math.isfinite(value):
                raise RunFailed(
                    f"the loss is {value} at step {self.iteration}; the last checkpoint stays. Take a smaller"
                    " learning_rate, or a smaller clip."
                )
            self.iteration += 1
            self.run.log(loss=value)
            done = self.iteration - began
            if done == WARM:
                warm = time.monotonic()
            if not self.planned and done >= TRIAL:
                each = (time.monotonic() - warm) / (done - WARM)
                planned = max(TRIAL, self.iteration + int(RESERVE * self.run.remaining / each))
                self.planned = self.processes.first(planned)
            last = self.iteration == self.planned
            if self.planned and (last or self.iteration % max(1, self.planned // self.task.checks) == 0):
                self._validate()
            stop = self._stop(value)
            if stop is not None:
                if "budget" not in stop.reason or self.solver.iterations:
                    raise stop
                stopped = f"the budget ended it at step {self.iteration} of {self.planned} planned"
                self._validate()
                break
        return self._model(stopped)

    def _stop(self, loss: float) -> Stopped | None:
        """Show, save, and find out whether this or another process is to stop."""
        stop = None
        try:
            self.run.step(self.iteration / (self.planned or math.inf), self._state, self._note(loss))
        except Stopped as reason:
            stop = reason
        if self.processes.any(stop is not None) and stop is None:
            stop = Stopped("stopped with the first process, by its budget or by Ctrl-C.")
        return stop

    def _step(self) -> float:
        """One step of Adam on one batch; the batch's loss."""
        solver, i = self.solver, self.iteration
        self.task.progress = i / self.planned if self.planned else 0.0
        batch = self.task.batch(np.random.default_rng([abs(self.run.seed), i]), solver.batch_size)
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.task.loss(self.processes.share(batch))
        loss.backward()  # type: ignore[no-untyped-call]
        grads = [p.grad for p in self.parameters if p.grad is not None]
        value = loss.detach().clone()
        self.processes.average([*grads, value])
        if solver.clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, solver.clip)
        share = rate(solver.schedule, self.task.progress, solver.final_rate)
        self.optimiser.param_groups[0]["lr"] = solver.learning_rate * share
        if math.isfinite(float(value)):
            self.optimiser.step()
        if solver.ema:
            decay = min(solver.ema, (1 + i) / (10 + i))
            with torch.no_grad():
                kept: list[torch.Tensor] = list(self.averaged.parameters())
                torch._foreach_lerp_(kept, list[torch.Tensor](self.network.parameters()), 1 - decay)
                for old, buffer in zip(self.averaged.buffers(), self.network.buffers(), strict=True):
                    old.copy_(buffer)
        return float(value)

    def _validate(self) -> None:
        self.averaged.eval()
        with torch.no_grad():
            self.metrics = self.task.validate(self.averaged)
        self.averaged.train()
        self.run.log(step=self.iteration, **{f"valid {name}": value for name, value in self.metrics.items()})
        if self.solver.keep == "best":
            new, old = (next(iter(m.values()), math.inf) for m in (self.metrics, self.best_metrics))
            if not self.best or new < old:
                self.best_metrics = dict(self.metrics)
                self.best = {name: _array(value) for name, value in self.averaged.state_dict().items()}

    def _note(self, loss: float) -> str:
        shown = "".join(f", {name} {value:.3g}" for name, value in list(self.metrics.items())[:2])
        return f"step {self.iteration} of {self.planned or '?'}, loss {loss:.3g}{shown}"

    # -- checkpoints ------------------------------------------------------------------------------
    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"iteration": self.iteration, "planned": self.planned}
        for label, network in (("weights", self.network), ("averaged", self.averaged)):
            state |= {f"{label}/{name}": _array(value) for name, value in network.state_dict().items()}
        for index, entry in self.optimiser.state_dict()["state"].items():
            state |= {f"adam/{index}/{name}": _array(value) for name, value in entry.items()}
        state |= {f"best/{name}": value for name, value in self.best.items()}
        state |= {f"best_metric/{name}": value for name, value in self.best_metrics.items()}
        return state | {f"metric/{name}": value for name, value in self.metrics.items()}

    def _restore(self, saved: dict[str, Any]) -> None:
        own = {f"weights/{name}": tuple(value.shape) for name, value in self.network.state_dict().items()}
        if own != {name: np.shape(value) for name, value in saved.items() if name.startswith("weights/")}:
            raise UsageError(
                f"the checkpoint to resume from is of another network than {self.solver.name} builds now (an older"
                " version of it, perhaps); begin again with --fresh."
            )
        self.iteration, self.planned = int(saved["iteration"]), int(saved["planned"])
        for label, network in (("weights", self.network), ("averaged", self.averaged)):
            network.load_state_dict({n: torch.as_tensor(saved[f"{label}/{n}"]) for n in network.state_dict()})
        entries: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in saved.items():
            kind, _, rest = key.partition("/")
            if kind == "adam":
                index, _, name = rest.partition("/")
                moment = torch.as_tensor(value)
                if moment.dim():  # laid out in memory as the weights are: another order of sums has other bits
                    moment = torch.empty_like(self.parameters[int(index)]).copy_(moment)
                entries.setdefault(int(index), {})[name] = moment
            elif kind == "metric":
                self.metrics[rest] = float(value)
            elif kind == "best":
                self.best[rest] = value
            elif kind == "best_metric":
                self.best_metrics[rest] = float(value)
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": entries})

    def _model(self, stopped: str) -> Model:
        seen = Seen.of([digest(p) for p in self.data.problems])
        if self.best:
            self.averaged.load_state_dict({name: torch.as_tensor(value) for name, value in self.best.items()})
            self.metrics = dict(self.best_metrics)
        self.averaged.eval()
        with torch.no_grad():
            self.metrics |= self.task.finish(self.averaged)
        weights = {name: _array(value) for name, value in self.averaged.state_dict().items()}
        card = Card(
            solver=self.solver.name, plugin=plugin_of(type(self.solver)).name, solver_version=self.solver.version,
            options=self.solver.trained_options() | {"iterations": self.planned}, family=self.data.family.describe(),
            data_hash=self.data.hash, members=self.data.count, iterations=self.iteration, seed=self.run.seed,
            seconds=self.run.ledger()["seconds"], parameters=sum(p.numel() for p in self.parameters),
            metrics=dict(self.metrics), extra=self.task.extra(), versions=versions(),
            command=shlex.join(["sciml", *_portable(sys.argv[1:])]), stopped=stopped,
        )  # fmt: skip
        return Model(card, weights, seen)


def _portable(arguments: list[str]) -> list[str]:
    """A command without where this machine keeps things: no model depends on it."""
    kept, skip = list[str](), False
    for argument in arguments:
        name, _, value = argument.partition("=")
        if not skip and name not in PLACES:
            kept.append(Path(argument).name if Path(argument).is_absolute() else argument)
        skip = not skip and name in PLACES and not value
    return kept


def _array(value: torch.Tensor) -> Any:
    return value.detach().cpu().numpy().copy()
