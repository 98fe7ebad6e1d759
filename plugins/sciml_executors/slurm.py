"""SLURM: cells are jobs of arrays, submitted by submitit; a job that is preempted is requeued and goes on."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, ClassVar, Literal

from pydantic import Field

from sciml import RunFailed, UsageError
from sciml.campaign import Answer, Cell, Executor, Site

from .batch import Batch
from .needed import needed

QUIET = "controllers.log"
MOST = 500  # jobs in the queue at once; clusters allow about a thousand in an array


class SlurmExecutor(Executor):
    """A job takes `cells_per_job` cells one after the other. On preemption or at its time limit it saves the checkpoint
    of the one in progress and is requeued. A job that dies is replaced by jobs of one cell each; a cell whose own job
    dies twice is a row that says so."""

    name: ClassVar[str] = "slurm"
    summary: ClassVar[str] = "array jobs of SLURM through submitit (extra `slurm`)"
    cluster: Literal["slurm", "local"] = Field(
        "slurm", description="local: the same jobs as processes of this machine, to try it out"
    )
    cells_per_job: int = Field(1, ge=1, description="cells of one job")
    minutes: int = Field(60, ge=1, description="time limit of a job")
    requeues: int = Field(10, ge=0, description="how often a job at its time limit is requeued")
    warning: int = Field(90, ge=1, description="seconds before the limit at which a job saves its checkpoint")
    cpus: int = Field(1, ge=1, description="cores of a job")
    gpus: int = Field(0, ge=0, description="GPUs of a job")
    memory_gb: float = Field(0.0, ge=0, description="memory of a job; 0: what the cluster gives")
    partition: str = Field("", description="SLURM's")
    account: str = Field("", description="SLURM's")
    qos: str = Field("", description="SLURM's")
    constraint: str = Field("", description="SLURM's")
    every: float = Field(2.0, gt=0, description="seconds between looks at the jobs")

    def run(self, cells: Iterator[Cell], site: Site) -> Iterator[tuple[Cell, Answer]]:
        submitter = self._submitter(site)
        waiting: list[tuple[Cell, ...]] = []  # what is submitted anew, alone
        jobs: dict[Any, tuple[Cell, ...]] = {}
        alone: set[int] = set()
        try:
            while True:
                free = (site.workers or MOST) - len(jobs)
                batches = [waiting.pop() for _ in range(min(free, len(waiting)))]
                while len(batches) < free and (batch := tuple(islice(cells, self.cells_per_job))):
                    batches.append(batch)
                jobs |= zip(self._submit(submitter, batches), batches, strict=True)
                if not jobs:
                    return
                done = [job for job in jobs if job.done()]
                for job in done:
                    batch = jobs.pop(job)
                    answers, why = _outcome(job)
                    if answers is not None:
                        yield from zip(batch, answers, strict=True)
                    elif len(batch) == 1 and batch[0].number in alone:
                        yield batch[0], batch[0].failed(f"{why}; run again to resume")
                    else:
                        alone |= {cell.number for cell in batch}
                        waiting += [(cell.again(),) for cell in batch]
                if not done:
                    time.sleep(self.every)
        finally:
            for job in jobs:
                job.cancel(check=False)
            with suppress(OSError):
                (submitter.folder / QUIET).unlink(missing_ok=True)
                submitter.folder.rmdir()  # if no job has left its logs there

    def _submitter(self, site: Site) -> Any:
        submitit = needed("submitit", "slurm")
        if self.cluster == "slurm" and shutil.which("sbatch") is None:
            raise UsageError(
                "there is no SLURM here (no sbatch): start the campaign on a login node, or try it out with"
                " --executor-option cluster=local."
            )
        folder = site.store / ".slurm" / secrets.token_hex(4)  # a folder each: a local job's number may come again
        submitter = submitit.AutoExecutor(folder=folder, cluster=self.cluster, **self._requeues())
        slurm = {key: getattr(self, key) or None for key in ("partition", "account", "qos", "constraint")}
        submitter.update_parameters(
            name="sciml", timeout_min=self.minutes, cpus_per_task=self.cpus, gpus_per_node=self.gpus or None,
            mem_gb=self.memory_gb or None, **{f"slurm_{key}": value for key, value in slurm.items()},
            slurm_signal_delay_s=self.warning,
        )  # fmt: skip
        return submitter

    def _requeues(self) -> dict[str, int]:
        return {f"{self.cluster}_max_num_timeout": self.requeues}

    def _submit(self, submitter: Any, batches: list[tuple[Cell, ...]]) -> list[Any]:
        """One array."""
        if not batches:
            return []
        threads = os.environ.get("OMP_NUM_THREADS", str(self.cpus))
        work = [Batch([cell.as_plain() for cell in batch], {"OMP_NUM_THREADS": threads}) for batch in batches]
        try:
            with self._quiet(submitter):
                found: list[Any] = submitter.submit_array(work)
        except Exception as error:  # submitit has its own, and those of the commands that it calls
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise RunFailed(f"SLURM does not take the jobs ({reason}).") from None
        return found


    @contextmanager
    def _quiet(self, submitter: Any) -> Iterator[None]:
        """Processes that stand in for SLURM print a traceback when they are cancelled: not on our error stream."""
        if self.cluster == "slurm":
            yield
            return
        submitter.folder.mkdir(parents=True, exist_ok=True)
        sys.stderr.flush()
        kept = os.dup(2)
        try:
            with (submitter.folder / QUIET).open("a") as file:
                os.dup2(file.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _outcome(job: Any) -> tuple[list[Answer] | None, str]:
    """A job's answers, or why there are none; of one that went well no files are left."""
    state = "" if job.state in ("UNKNOWN", "FINISHED") else f" ({job.state})"
    error = job.exception()
    if error is not None:
        last = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        return None, f"its job {job.job_id}{state} ended without an answer: {last}"
    answers: list[Answer] = job.result()
    paths = job.paths
    for path in (paths.stdout, paths.stderr, paths.result_pickle, paths.submitted_pickle, paths.submission_file):
        path.unlink(missing_ok=True)
    return answers, ""
