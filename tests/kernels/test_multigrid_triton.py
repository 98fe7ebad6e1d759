"""Whole multigrid solves by Triton's kernels: on a CUDA device where there is one, and in Triton's interpreter on the CPU
(`test_interpreter.py` runs this file so, in a process of its own)."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("triton")

from sciml_classical.solver import Multigrid

from sciml import Axis, Equation, Grid, Problem, Run, Status
from sciml.kernels import dispatch
from sciml.numerics.multigrid import Fixed
from sciml.numerics.vcycle import TensorMultigrid

DEVICE = "cpu:0" if dispatch.interpreted() else "cuda"  # "cpu" would be the compiled path's
if DEVICE == "cuda" and not torch.cuda.is_available():
    pytest.skip("no CUDA device; test_interpreter.py runs this file in the interpreter", allow_module_level=True)

FACES: list[Fixed] = list(itertools.product((True, False), repeat=4))
WITH_SHIFT = [(fixed, k % 3 == 0) for k, fixed in enumerate(FACES)] + [(FACES[0], False), (FACES[-1], False)]
TWO = ["conjugate_step"] * 2


def arrays(shape: tuple[int, int], shifted: bool, seed: int = 0) -> tuple[Any, ...]:
    """Links over several orders of magnitude, shift, right side without mean, first guess."""
    rng, (nx, ny) = np.random.default_rng(seed), shape
    ax, by = (np.exp(2 * rng.normal(size=s)) for s in ((nx - 1, ny), (nx, ny - 1)))
    b, x = rng.normal(size=shape), rng.normal(size=shape)
    return ax, by, np.exp(rng.normal(size=shape)) if shifted else None, b - b.mean(), x


def norms(solver: TensorMultigrid, b: np.ndarray, x: np.ndarray, steps: list[str]) -> list[float]:
    return [solver.start(b, x), *(getattr(solver, step)() for step in steps)]


def by_torch(monkeypatch: pytest.MonkeyPatch, *given: Any, b: np.ndarray, x: np.ndarray, steps: list[str]) -> Any:
    """The same by the torch references on the CPU."""
    with monkeypatch.context() as patch:
        patch.setenv("SCIML_KERNELS", "torch")
        solver = TensorMultigrid(*given)
        assert solver.path == "torch"
        return norms(solver, b, x, steps), solver


@pytest.mark.parametrize(("fixed", "shifted"), WITH_SHIFT)
def test_iterates_are_those_of_torch(fixed: Fixed, shifted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (17, 33) if sum(fixed) % 2 else (17, 17)
    ax, by, shift, b, x = arrays(shape, shifted)
    steps = ["cycle"] if fixed[0] else TWO
    given = ax, by, shift, fixed, not any(fixed) and not shifted, 2
    ours, told = TensorMultigrid(*given, device=DEVICE), dict[str, str]()
    assert ours.path.startswith("triton")
    with dispatch.recording(told.__setitem__), dispatch.poisoned():
        found = norms(ours, b, x, steps)
    assert {"relaxation", "restriction"} <= told.keys() and all(path.startswith("triton") for path in told.values())
    expected, theirs = by_torch(monkeypatch, *given, b=b, x=x, steps=steps)
    assert found == pytest.approx(expected, abs=1e-12 * expected[0]) and ours.depth == theirs.depth
    assert np.abs(ours.solution() - theirs.solution()).max() <= 1e-12 * np.abs(theirs.solution()).max()


@pytest.mark.parametrize(("sweeps", "fixed"), [(1, FACES[0]), (3, FACES[5])])
def test_more_levels_other_sweeps(sweeps: int, fixed: Fixed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three levels; three sweeps take two visits to memory."""
    ax, by, shift, b, x = arrays((33, 33), True, 1)
    ours = TensorMultigrid(ax, by, shift, fixed, False, sweeps, DEVICE)
    found = norms(ours, b, x, TWO)
    expected, theirs = by_torch(monkeypatch, ax, by, shift, fixed, False, sweeps, b=b, x=x, steps=TWO)
    assert ours.depth == 3
    assert found == pytest.approx(expected, abs=1e-12 * expected[0])
    assert np.abs(ours.solution() - theirs.solution()).max() <= 1e-12 * np.abs(theirs.solution()).max()


def problem(faces: str) -> Problem:
    """∂x((1 + xy) u_x) + u_yy - (1 + x) u = f, with fluxes or values on the faces."""
    axes = tuple(Axis(a, 0.0, 1.0, 17, faces) for a in "xy")
    equation = Equation.parse(["d_x((1 + x*y)*u_x) + u_yy - (1 + x)*u = sin(3*x) - y"], ["u"], ["x", "y"])
    data = {"u": {"x": {"upper": "1 - y"}, "y": {"lower": "x"}}}
    return Problem("p", equation, Grid(axes, np.zeros(1)), kind="steady", boundary_text=data)


def test_the_solver_computes_by_triton_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """From grid to grid, each begun with what the last foretells."""
    solver = Multigrid.build(max_points=33, accuracy=0.1, extrapolate=False, tolerance=1e-4)
    task, run, usual = problem("neumann-dirichlet"), Run(device=DEVICE), Run()
    found = solver.solve(task, run)
    assert found.status is Status.OK and found.cost["grids"] == 2
    assert run.paths["multigrid"] == ("triton, interpreted" if dispatch.interpreted() else "triton")
    assert {"relaxation", "restriction", "curvature", "conjugate step"} <= run.paths.keys()
    assert all(path.startswith("triton") for path in run.paths.values())
    monkeypatch.setenv("SCIML_KERNELS", "torch")
    expected = solver.solve(task, usual)
    assert not any(path.startswith("triton") for path in usual.paths.values())
    assert np.abs(found.values["u"] - expected.values["u"]).max() < 1e-12 * np.abs(expected.values["u"]).max()
    assert found.cost["cycles"] == expected.cost["cycles"]


@pytest.mark.skipif(DEVICE != "cuda", reason="asks the CUDA runtime")
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@pytest.mark.parametrize("step", ["cycle", "conjugate_step"])
def test_only_a_norm_leaves_the_card(step: str) -> None:
    ax, by, shift, b, x = arrays((257, 257), True)
    solver = TensorMultigrid(ax, by, shift, FACES[0], sweeps=2, device=DEVICE)
    norms(solver, b, x, [step])
    torch.cuda.set_sync_debug_mode("error")
    try:
        solver._descend(0, solver.r, None)
        with pytest.raises(RuntimeError, match="synchroniz"):
            getattr(solver, step)()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.skipif(DEVICE != "cuda", reason="too slow in the interpreter")
@pytest.mark.parametrize("fixed", [FACES[0], FACES[6], FACES[-1]])
def test_large_grids_agree_with_the_cpu(fixed: Fixed) -> None:
    ax, by, _, b, x = arrays((1025, 513), False)
    pinned = not any(fixed)
    ours, theirs = (TensorMultigrid(ax, by, None, fixed, pinned, 2, device) for device in (DEVICE, "cpu"))
    found, expected = (norms(one, b, x, TWO) for one in (ours, theirs))
    assert found == pytest.approx(expected, abs=1e-11 * expected[0])
    assert np.abs(ours.solution() - theirs.solution()).max() <= 1e-11 * np.abs(theirs.solution()).max()
