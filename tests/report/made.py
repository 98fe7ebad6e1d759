"""Rows, evidence and sections out of thin air, for tests of the report."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciml import Axis
from sciml.evidence import About, Curve, Evidence
from sciml.report.document import Request, document
from sciml.report.entries import ranking
from sciml.report.sections import Section
from sciml.report.verdict import verdict
from sciml.row import Row


def row(solver: str, error: float, seconds: float = 1.0, *, seed: int = 0, floor: float = 1e-12, **more: Any) -> Row:
    entries: dict[str, Any] = {
        "problem": "made", "options": {}, "outcome": "ok", "cpu_seconds": seconds, "peak_bytes": 2e8,
        "cell": f"{solver}{seed}", "classical": solver.startswith("old"), "trivial": {"persistence": 1.2, "climatology": 0.9},
    }  # fmt: skip
    return Row(solver=solver, seed=seed, error=error, seconds=seconds, floor=floor, **(entries | more))


def failed(solver: str, why: str = "the budget of 1 s is spent after 3 % of the work.", **more: Any) -> Row:
    return Row("made", solver, {}, 0, why, classical=solver.startswith("old"), **more)


def line(phase: float = 0.0) -> Evidence:
    """A wave on one periodic axis, with everything a problem can have."""
    axis, times = Axis("x", 0.0, 2 * np.pi, 32), np.linspace(0.0, 2.0, 21)
    exact = np.sin(axis.points() - times[:, None])
    found = exact + phase * times[:, None] * np.cos(axis.points())
    error = np.abs(phase) * times + 1e-13
    spectrum = 10.0 ** -np.arange(17.0)
    return Evidence(
        curve=Curve(times, error, "t", "relative error"), floor=Curve(times, 0 * times + 1e-13, "t", "the reference's own error"),
        spectrum=spectrum, exact_spectrum=spectrum, spectrum_of="u", axes=(axis,), times=times, found={"u": found},
        exact={"u": exact}, coverage=0.8, coverage_raw=0.3, provenance={"processor": "a chip", "accelerator": "none"},
    )  # fmt: skip


def plane(phase: float = 0.0) -> Evidence:
    axes = (Axis("x", 0.0, 1.0, 24), Axis("y", 0.0, 2.0, 48))
    times = np.linspace(0.0, 1.0, 7)
    x, y = np.meshgrid(*(a.points() for a in axes), indexing="ij")
    exact = np.stack([np.sin(2 * np.pi * (x - t)) * np.cos(np.pi * y) for t in times])
    return Evidence(axes=axes, times=times, found={"w": exact + phase}, exact={"w": exact})


def curve(phase: float = 0.0) -> Evidence:
    times = np.linspace(0.0, 9.0, 300)
    exact = {"x": np.cos(times), "y": np.sin(times)}
    return Evidence(times=times, found={k: v + phase for k, v in exact.items()}, exact=exact)


def section(rows: list[Row], evidence: Any = line, **more: Any) -> Section:
    entries = ranking(rows)
    trivial = rows[0].trivial if rows else {}
    pairs = tuple((e, evidence(1e-3 * e.number)) for e in entries if e.finished)
    about = About("made", "A made problem", "", "u_t = -u_x", ("one axis",), "own error 1e-12", 0.9)
    return Section(
        about=about, file="made.h5", content_hash="abc", entries=tuple(entries), verdict=verdict(entries, trivial),
        trivial=trivial, pairs=pairs, **more,
    )  # fmt: skip


def data(*sections: Section) -> dict[str, Any]:
    from pathlib import Path

    return document(sections, Request("sciml compare made.h5 --solvers old,new", Path("sciml-results")))
