"""`test_triton.py` and `test_multigrid_triton.py` in Triton's interpreter. It must be asked for before triton is imported, and would change what every
other test of this process gets: hence a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def started(*command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    return subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, env={**environment, **variables}, capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("file", "skipped"), [("test_triton.py", 0), ("test_multigrid_triton.py", 5)])
def test_parity_in_the_interpreter(file: str, skipped: int) -> None:
    """skipped: what only a card can answer."""
    pytest.importorskip("triton")
    done = started("-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / file, TRITON_INTERPRET="1")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    last = done.stdout.splitlines()[-1]
    assert " passed" in last and (f" {skipped} skipped" in last if skipped else "skipped" not in last)


@pytest.mark.slow
def test_every_kernel_compiles_for_a_card() -> None:
    """A compiler refuses what the interpreter lets pass; it needs no card."""
    pytest.importorskip("triton")
    done = started(HERE / "ahead.py")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "BAD" not in done.stdout


def test_starting_up_imports_neither_torch_nor_triton() -> None:
    told = "import sciml.kernels.registry, sys; print([m for m in ('torch', 'triton') if m in sys.modules])"
    assert started("-c", told).stdout.strip() == "[]"


def test_without_triton_the_references_answer() -> None:
    told = """
import sys
sys.modules["triton"] = None
import torch
from sciml.kernels import dispatch, registry
for kernel in registry.kernels().values():
    told = {}
    with dispatch.recording(told.__setitem__):
        kernel.call(*kernel.make(next(iter(kernel.cases.values())), torch.float64, "cpu", 0))
    assert list(told.values()) == ["torch: triton is not installed"], told
print("all")
"""
    done = started("-c", told)
    assert done.stdout.strip() == "all", done.stderr[-2000:]
