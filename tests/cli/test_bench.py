"""`sciml bench kernels` on a machine without a card."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sciml.kernels import bench, registry


def test_numbers_and_picture(cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)  # a compiler takes half a minute
    out = cli(
        "bench", "kernels", "--only", "prolongation", "--sizes", "2e3,1e4", "--budget", "120",
        "--json", tmp_path / "b.json", "--plot", tmp_path / "b.png",
    )  # fmt: skip
    assert out.code == 0 and "prolongation" in out.out
    if not torch.cuda.is_available():
        assert "triton was not timed: it needs a CUDA device" in out.err
    told = json.loads((tmp_path / "b.json").read_text())
    assert [row["numbers"] for row in told["kernels"]] == [2000, 10000]
    for row in told["kernels"]:
        assert row["share_of_copy"]["eager"] == pytest.approx(row["seconds"]["copy"] / row["seconds"]["eager"])
        assert row["bytes_per_second"]["copy"] == pytest.approx(row["bytes"] / row["seconds"]["copy"])
        assert set(row["seconds"]) | set(row["missing"]) == {"copy", "eager", "compiled", "triton"}
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


def test_what_the_budget_leaves_out_is_said() -> None:
    (row,) = bench.measure("cpu", torch.float32, [2000], 1e-9, "tanh jet")
    assert set(row.seconds) == {"copy"}
    assert row.missing["eager"] == row.missing["compiled"] == "the budget was spent"


def test_what_cannot_be_compiled_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> object:
        def call(*given: object) -> object:
            raise RuntimeError("no compiler\nand more")

        return call

    monkeypatch.setattr(torch, "compile", refuse)
    (row,) = bench.measure("cpu", torch.float32, [2000], 60.0, "tanh jet")
    assert row.missing["compiled"] == "RuntimeError: no compiler"


def test_a_time_is_that_of_one_call() -> None:
    import time

    assert bench.seconds(lambda: time.sleep(0.01), "cpu") == pytest.approx(0.01, rel=0.5)


@pytest.mark.parametrize("arguments", [
    ("--sizes", "many"), ("--sizes", "1e12"), ("--sizes", "nan"), ("--only", "no such kernel"), ("--budget", "0"),
    ("--device", "tpu"),
])  # fmt: skip
def test_one_sentence(cli: Callable[..., Any], arguments: tuple[str, str]) -> None:
    assert cli("bench", "kernels", *arguments).code == 2


def test_help_is_quick() -> None:
    told = (
        "import sys; from sciml.cli.main import run\n"
        "run(['bench', 'kernels', '--help'])\n"
        "print([m for m in ('torch', 'triton', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, env=dict(os.environ), check=True)
    assert done.stdout.strip().endswith("[]") and "--budget" in done.stdout


def test_the_sizes_asked_for_are_about_what_is_moved() -> None:
    """Of kernels bound by memory, within a factor of two and a half."""
    for name, kernel in registry.kernels().items():
        if name in ("line rollout", "log-sum-exp"):
            continue  # bound by arithmetic: the traffic is small on purpose
        arguments = kernel.make(kernel.sized(200_000), torch.float64, "cpu", 0)
        assert 0.4 < kernel.bytes(*arguments) / 8 / 200_000 < 2.5, name
