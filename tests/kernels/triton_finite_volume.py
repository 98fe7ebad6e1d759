"""Rates of finite volumes through the Triton kernel for advection, against the same in torch: run by
`tests/plugins/test_finite_volume_compiled.py` in Triton's interpreter."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sciml_classical.finite_volume.balance import Balance
from sciml_classical.finite_volume.ghosts import Moment
from sciml_classical.finite_volume.law import Law
from sciml_classical.finite_volume.mesh import Mesh
from sciml_classical.solver import FiniteVolume

from sciml import Axis, Equation, Grid, Problem
from sciml.kernels import dispatch

TAU = 2 * math.pi
STREAM = ["psi = inverse_laplacian(-w)", "w_t = -dot_grad(psi_y, -psi_x, w) + 0.01*laplacian(w)", "c_t = -c_x - c_y + w"]
CASES = {
    "line": (["u_t = -2*u_x"], {"u": "sin(x) + cos(3*x)"}, ("periodic",), [0]),
    "given velocity": (["u_t = -sin(x)*cos(y)*u_x + cos(x)*sin(y)*u_y"], {"u": "cos(x - 1) + sin(y)"}, ("periodic",) * 2, [0, 1]),
    "one end": (["u_t = -cos(y)*u_x + 0.1*u_xx - u_y"], {"u": "cos(x - 1) + sin(y)"}, ("periodic", "open"), [0]),
    "flow": (STREAM, {"w": "cos(x)*cos(y) + sin(2*x)", "c": "sin(x + y)"}, ("periodic",) * 2, [0, 1]),
    "two fields": (["a_t = -a*a_x - a_y", "b_t = -b_y + b_yy"], {"a": "cos(x)", "b": "sin(x + y)"}, ("periodic",) * 2, [1]),
    "a field by another": (["a_t = -d_y(b) - a_x", "b_t = -b_x"], {"a": "cos(x)", "b": "sin(x + y)"}, ("periodic",) * 2, [0]),
}  # fmt: skip


@pytest.mark.parametrize(("name", "limiter"), [*((name, "van-leer") for name in CASES), ("flow", "minmod")])
def test_rates(name: str, limiter: str) -> None:
    assert dispatch.interpreted()
    rates, initial, kinds, carried = CASES[name]
    axes = "xy"[: len(kinds)]
    grid = Grid(tuple(Axis(a, 0.0, TAU, n, k) for a, n, k in zip(axes, (10, 9), kinds, strict=False)), np.array([0.0, 1.0]))
    problem = Problem("p", Equation.parse(rates, list(initial), list(axes)), grid, initial_text=initial)
    mesh = Mesh.of(problem, 0)
    balance = Balance(FiniteVolume(reconstruction="muscl", limiter=limiter), Law.of(problem), mesh, "cpu")
    assert balance.carrying.axes == carried
    u, told = torch.from_numpy(mesh.initial()), dict[str, str]()
    with dispatch.recording(told.__setitem__), dispatch.poisoned():
        found = balance.rate(u, Moment(0.0))
    assert told == {"advection": "triton, interpreted"}
    limits = balance.limits
    balance.carrying.axes = []
    wanted = balance.rate(u, Moment(0.0))
    assert float((found - wanted).abs().max() / wanted.abs().max()) < 1e-13
    assert limits == pytest.approx(balance.limits, rel=1e-13)
