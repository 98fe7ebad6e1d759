"""Where a number came from: versions, hardware, precision flags, the exact command."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("sciml-toolkit", "torch", "numpy", "scipy", "h5py", "triton", "pydantic", "mpmath")


def versions() -> dict[str, str]:
    """Installed versions of what a number may depend on."""
    return dict(_versions())


@cache  # half the time of a cell that does nothing
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def processor() -> str:
    """The CPU's marketing name where the system tells it."""
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def precision() -> dict[str, Any]:
    """Precision and threading flags of torch as they stand now."""
    import torch

    return {
        "default_dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "cuda_tf32": bool(torch.backends.cuda.matmul.allow_tf32),
        "threads": torch.get_num_threads(),
    }


def command_line() -> str:
    """How this process was started; of a notebook's kernel that says nothing."""
    name = os.path.basename(sys.argv[0])
    return "a notebook" if name.startswith("ipykernel") else shlex.join([name, *sys.argv[1:]])


def provenance(device: str, kernels: Mapping[str, str]) -> dict[str, Any]:
    """Everything worth recording with a result; paths are left out of the command's first word.

    kernels: what computed each hot loop (`Run.took`).
    """
    import torch

    accelerator = torch.cuda.get_device_name(device) if device.startswith("cuda") else "none"
    return {
        "versions": versions(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "accelerator": accelerator,
        "system": platform.system(),
        "precision": precision(),
        "kernels": dict(kernels),
        "command": command_line(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
