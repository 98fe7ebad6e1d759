"""Every Triton kernel with what is promised about it: formula, reference, tolerance, traffic, cases.

    registry.kernels()["pointwise"].bytes(*arguments)

Importing this imports neither torch nor triton; `kernels()` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

FAMILIES = (
    "etd_enter", "etd_leave", "pointwise", "rollout", "modes", "derivative", "multigrid", "transfer", "relaxation",
    "conjugate", "advection", "logsumexp", "jets", "gaussians",
)  # fmt: skip


@dataclass(frozen=True)
class Kernel:
    """call: the public function, which dispatches; reference and triton: its two paths, with the same arguments and
    the same result (a tensor or a tuple of them).

    tolerance: by real dtype, of max |difference| over max |reference|, for the Triton path against the reference and
    for float32 against float64. cases: small shapes by name; make(case, dtype, device, seed) gives the arguments,
    whose numbers are those of float32 in every dtype. sized(n): the case that moves about n numbers.
    bytes and flops: of the arguments, each tensor that must be read or written once; a multiplication or an addition is
    one, an elementary function ten. gradient: the places of the arguments with one.
    """

    name: str
    computes: str
    formula: str
    call: Callable[..., Any]
    reference: Callable[..., Any]
    triton: Callable[..., Any]
    tolerance: Mapping[str, float]
    cases: Mapping[str, Any]
    make: Callable[[Any, torch.dtype, str, int], tuple[Any, ...]]
    sized: Callable[[int], Any]
    bytes: Callable[..., int]
    flops: Callable[..., int]
    gradient: Sequence[int] = ()


@cache
def kernels() -> dict[str, Kernel]:
    """By name."""
    found: dict[str, Kernel] = {}
    for family in FAMILIES:
        for kernel in import_module(f"{__package__}.fused.{family}").KERNELS:
            assert kernel.name not in found, kernel.name
            found[kernel.name] = kernel
    return found
