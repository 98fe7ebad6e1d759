"""report.html: one file that opens from disk and asks the network for nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from .against import Change
from .figures.curves import draw_error, draw_spectra
from .figures.fields import Gallery, draw_lines, galleries
from .figures.motion import motion
from .figures.work import draw_work
from .sections import Section
from .words import between, number, seconds

ANIMATIONS = 900_000  # bytes of all animations in a page
ONE_ANIMATION = 400_000
MOST_LINES = 200  # of a ranking, and of its runs
MOST_PROBLEMS = 100  # in full
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Pictures:
    """SVG text or None; motion as JSON."""

    work: tuple[str, ...]
    error: str | None
    spectra: str | None
    lines: str | None
    galleries: tuple[Gallery, ...]
    motion: str | None


def pictures(part: Section, index: int, animation: int) -> Pictures:
    """animation: bytes that one may take; 0 for none."""
    name = f"p{index}"
    moving = motion(part.pairs, part.about.lyapunov, animation) if animation else None
    return Pictures(
        work=draw_work(part.entries[:MOST_LINES], dict(part.trivial), part.measure, f"{name}w"),
        error=draw_error(part.pairs, part.about.lyapunov, f"{name}e"),
        spectra=draw_spectra(part.pairs, f"{name}s"),
        lines=draw_lines(part.pairs, part.about.lyapunov, f"{name}l"),
        galleries=tuple(galleries(part.pairs)),
        motion=None if moving is None else json.dumps(moving).replace("<", "\\u003c"),
    )  # fmt: skip


def page(
    data: dict[str, Any], sections: Sequence[Section], *, animation: bool = True, shown: int = MOST_PROBLEMS,
    changed: Sequence[Change] | None = None, remarks: Sequence[str] = (), older: str = "",
) -> str:  # fmt: skip
    """data: as `document` makes it. shown: how many problems are there in full; there is a verdict on each. changed:
    against an older report, None where none was given."""
    each = min(ONE_ANIMATION, ANIMATIONS // max(len(sections), 1)) if animation else 0
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"number": _number, "seconds": _seconds, "megabytes": _megabytes, "interval": _interval}
    drawn = [pictures(part, i, each) for i, part in enumerate(sections[:shown])]
    moving = any(part.motion for part in drawn)
    text = environment.get_template("page.html").render(
        d=data, problems=list(zip(data["problems"], sections, drawn, strict=False)), changed=changed, remarks=remarks,
        older=older, style=(TEMPLATES / "style.css").read_text(encoding="utf-8"),
        script=(TEMPLATES / "motion.js").read_text(encoding="utf-8") if moving else "", meanings=_meanings(),
        most=MOST_LINES,
    )  # fmt: skip
    return text


def _meanings() -> dict[str, str]:
    from ..metrics.trivial import MEANINGS

    return MEANINGS | {"k(1-|x|²)": "the best multiple of 1 - |x|²/R², fitted to the reference"}


def _number(value: float | None, digits: int = 2) -> str:
    return number(math.nan if value is None else value, digits)


def _seconds(value: float | None) -> str:
    return seconds(math.nan if value is None else value)


def _megabytes(value: float | None) -> str:
    return "–" if value is None else f"{value / 1e6:.0f}"


def _interval(found: dict[str, Any], form: str = "number") -> str:
    """[low, high], where there is one."""
    if found["kind"] in ("one", "none"):
        return ""
    if form == "seconds":
        return f"[{_seconds(found['low'])}, {_seconds(found['high'])}]"
    return between(*(math.nan if found[end] is None else found[end] for end in ("low", "high")))
