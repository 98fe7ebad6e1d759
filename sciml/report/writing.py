"""The files of a report, each written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..comparing import as_csv
from ..errors import RunFailed
from ..files.atomic import replacing
from .against import Change
from .page import MOST_PROBLEMS, page
from .sections import Section
from .text import markdown

MOST_BYTES = 10_000_000


def write_report(
    folder: Path, data: dict[str, Any], sections: Sequence[Section], *, animation: bool = True,
    changed: Sequence[Change] | None = None, remarks: Sequence[str] = (), older: str = "",
) -> list[Path]:  # fmt: skip
    """report.html, report.md, table.csv and report.json. A page that would be too large is written without animations,
    and then with fewer problems in full; RunFailed if that does not help."""
    told = {"changed": changed, "remarks": remarks, "older": older}
    shown = min(len(sections), MOST_PROBLEMS)
    html = page(data, sections, animation=animation, shown=shown, **told)  # type: ignore[arg-type]
    while len(html.encode()) >= MOST_BYTES and (animation or shown > 1):
        shown, animation = shown if animation else shown // 2, False
        html = page(data, sections, animation=False, shown=shown, **told)  # type: ignore[arg-type]
    if len(html.encode()) >= MOST_BYTES:
        raise RunFailed("the page would be larger than 10 MB; compare fewer problems at a time.")
    rows = [row for part in sections for row in part.rows]
    files = {
        "report.html": html, "report.md": markdown(data, changed, remarks, older), "table.csv": as_csv(rows),
        "report.json": json.dumps(data, indent=1, allow_nan=False),
    }  # fmt: skip
    for name, text in files.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [folder / name for name in files]
