"""A peer in an environment of its own that answers one request after the other, so that both sides can take turns."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any


class Peer:
    """`NAME_worker.py` under another interpreter: a line of JSON in, one out; the first tells its version."""

    def __init__(self, python: str, name: str, threads: int = 1) -> None:
        several = "true" if threads > 1 else "false"
        flags = f"--xla_cpu_multi_thread_eigen={several} intra_op_parallelism_threads={threads}"
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {
            "XLA_FLAGS": flags, "THREADS": str(threads)
        }  # fmt: skip
        worker = Path(__file__).parent / f"{name}_worker.py"
        self.process = subprocess.Popen(
            [python, str(worker)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.version = self._answer()["version"]

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def run(self, case: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        return self._answer()
