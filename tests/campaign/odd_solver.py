"""A stranger's plugin whose solver crashes, hangs or takes its time, as it is told. It writes down what it does."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from sciml import Solution, Solver, Solves, hookimpl


class Odd(Solver):
    name: ClassVar[str] = "odd"
    solves: ClassVar[Solves] = Solves(kind={"evolution"}, dim={"0"}, fields={"system"})
    devices: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda"})
    classical: ClassVar[bool] = True
    mode: Literal["fine", "segfault", "exit", "kill", "memory", "hang", "raise", "steps"] = Field("fine", description="what")
    steps: int = Field(20, ge=1, description="of mode steps")
    pause: float = Field(0.1, ge=0, description="seconds a step")

    def solve(self, problem, run):
        self.note("start", run.seed, os.environ.get("CUDA_VISIBLE_DEVICES", "-"), os.environ.get("OMP_NUM_THREADS", "-"))
        if self.mode == "segfault":
            ctypes.string_at(0)
        if self.mode == "exit":
            os._exit(3)
        if self.mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.mode == "memory":
            raise MemoryError
        if self.mode == "hang":
            time.sleep(1000)
        if self.mode == "raise":
            raise ZeroDivisionError("nothing to divide by")
        state = run.restore() or {"step": 0}
        while self.mode == "steps" and state["step"] < self.steps:
            time.sleep(self.pause)
            state = {"step": state["step"] + 1}
            self.note("step", run.seed, state["step"])
            run.step(state["step"] / self.steps, state)
        print("a solver that prints")
        t = problem.grid.times
        return Solution(values={"x": np.cos(t) + 1e-3 * run.seed, "y": np.sin(t)})

    def note(self, *words: object) -> None:
        if "ODD_LOG" in os.environ:
            with open(os.environ["ODD_LOG"], "a") as file:
                file.write(" ".join(str(word) for word in (os.getpid(), *words)) + "\n")


@hookimpl
def register_solvers():
    return [Odd]
