"""Which path computes: Triton for tensors on a CUDA device, the torch reference elsewhere, and a record of it.

    with recording(run.took):          # Run.took(kernel, path)
        pointwise.apply(...)           # "triton", "triton, interpreted", or "torch: <why>"

With TRITON_INTERPRET=1, set before triton is imported, kernels run in Triton's interpreter on tensors of the CPU:
that is how they are tested where there is no card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

from .fused.language import triton
from .native.compile import disabled

Told = Callable[[str, str], None]
_listeners: ContextVar[tuple[Told, ...]] = ContextVar("listeners", default=())
_launch: ContextVar[Callable[..., None] | None] = ContextVar("launch", default=None)
_poisoned: ContextVar[bool] = ContextVar("poisoned", default=False)

MOST = 2**31 - 1  # indices are 32-bit in the kernels
MOST_BATCH = 65535  # CUDA's limit on the second extent of a launch
REAL = {torch.float32: torch.float32, torch.float64: torch.float64, torch.complex64: torch.float32,
        torch.complex128: torch.float64}  # fmt: skip


@contextmanager
def recording(told: Told) -> Iterator[None]:
    """Every call inside is told to `told(kernel, path)`."""
    token = _listeners.set((*_listeners.get(), told))
    try:
        yield
    finally:
        _listeners.reset(token)


def interpreted() -> bool:
    """Whether kernels run in Triton's interpreter."""
    return triton is not None and bool(triton.knobs.runtime.interpret)


def path(*tensors: Tensor, gradient: bool = False, batch: int = 1, refuse: Sequence[str] = ()) -> str:
    """What computes a call with these tensors, in the words of the record. `refuse`: the kernel's own reasons against
    Triton; gradient: it has one; batch: members that are launched side by side."""
    if batch > MOST_BATCH:
        refuse = [*refuse, f"a batch of more than {MOST_BATCH}"]
    reasons = [*_reasons(tensors, gradient), *refuse]
    if _launch.get() is not None:  # the launches are wanted, not their results
        reasons = list(refuse)
    return f"torch: {'; '.join(reasons)}" if reasons else "triton, interpreted" if interpreted() else "triton"


def takes(
    kernel: str, *tensors: Tensor, gradient: bool = False, batch: int = 1, refuse: Sequence[str] = ()
) -> bool:
    """Whether Triton computes this call (`path`); told to those who record."""
    found = path(*tensors, gradient=gradient, batch=batch, refuse=refuse)
    for told in _listeners.get():
        told(kernel, found)
    return found.startswith("triton")


def _reasons(tensors: Sequence[Tensor], gradient: bool) -> list[str]:
    if triton is None:
        return ["triton is not installed"]
    if disabled():
        return ["switched off by SCIML_KERNELS"]
    devices, kinds = {t.device for t in tensors}, {t.dtype for t in tensors}
    reasons = []
    if len(devices) > 1:
        reasons.append("tensors on several devices")
    elif (device := next(iter(devices)).type) != "cuda" and not (device == "cpu" and interpreted()):
        reasons.append(f"tensors on {device}")
    if not kinds <= REAL.keys():
        reasons.append(f"no kernel for {', '.join(sorted(str(k).removeprefix('torch.') for k in kinds - REAL.keys()))}")
    elif len({REAL[k] for k in kinds}) > 1:
        reasons.append("tensors of different precision")
    if any(2 * t.numel() > MOST for t in tensors):
        reasons.append("more numbers than 32-bit indices reach")
    if not gradient and torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        reasons.append("the kernel has no gradient")
    return reasons


def require_shapes(kernel: str, *pairs: tuple[Tensor, Sequence[int]]) -> None:
    """Raises ValueError where a shape is not the one a kernel's addresses count on: a card would read beside it."""
    for tensor, shape in pairs:
        if tuple(tensor.shape) != tuple(shape):
            raise ValueError(f"{kernel}: a tensor of shape {tuple(tensor.shape)} where {tuple(shape)} is needed")


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **meta: Any) -> None:
    """Start a kernel on the device of its first tensor; complex tensors go as interleaved pairs."""
    given = [_as_real(a) for a in arguments]
    instead = _launch.get()
    if instead is not None:
        instead(kernel, grid, *given, **meta)
        return
    if 0 in grid:
        return
    first = next(a for a in given if isinstance(a, Tensor))
    if first.device.type == "cuda":
        with torch.cuda.device(first.device):
            kernel[grid](*given, **meta)
    else:
        kernel[grid](*given, **meta)


def _as_real(argument: Any) -> Any:
    if isinstance(argument, Tensor) and argument.is_complex():
        return torch.view_as_real(argument.resolve_conj())
    return argument


@contextmanager
def launching(instead: Callable[..., None]) -> Iterator[None]:
    """Hands every launch inside to `instead(kernel, grid, *arguments, **meta)`: to compile without a device."""
    token = _launch.set(instead)
    try:
        yield
    finally:
        _launch.reset(token)


@contextmanager
def poisoned() -> Iterator[None]:
    """Outputs allocated inside start as NaN, so that a number no kernel wrote is seen."""
    token = _poisoned.set(True)
    try:
        yield
    finally:
        _poisoned.reset(token)


def empty(shape: Sequence[int], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """A new output beside `like`."""
    result = torch.empty(tuple(shape), device=like.device, dtype=dtype or like.dtype)
    return result.fill_(torch.nan) if _poisoned.get() else result


def blocks(count: int, block: int) -> int:
    """ceil(count / block)."""
    return -(-count // block)


def block_for(count: int, most: int, least: int = 16) -> int:
    """A power of two that covers `count` items, between `least` and `most`."""
    return max(least, min(most, 1 << max(0, count - 1).bit_length()))
