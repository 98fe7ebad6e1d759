"""Matplotlib figures as SVG for the inside of a page: text stays text, colours follow the page's scheme."""

from __future__ import annotations

import io
import re
from typing import Any

SERIES = 8  # colours; more curves than that are not drawn in one picture
INK, FAINT = "#010203", "#010204"  # stand-ins, replaced by the page's variables
COLOURS = tuple(f"#0102{0x10 + i:02x}" for i in range(SERIES))
SETTINGS: Any = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9.5, "text.color": INK, "axes.edgecolor": INK,
    "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
    "axes.spines.right": False, "grid.color": FAINT, "grid.linewidth": 0.6, "axes.grid": True, "axes.axisbelow": True,
    "legend.frameon": False, "axes.linewidth": 0.7, "xtick.major.width": 0.7, "ytick.major.width": 0.7,
    "axes.titlesize": 10, "axes.titleweight": "normal", "mathtext.default": "regular",
}  # fmt: skip
_VARIABLES = {INK: "var(--ink)", FAINT: "var(--faint)"} | {c: f"var(--c{i})" for i, c in enumerate(COLOURS)}


def colour(index: int) -> str:
    """Of the index-th series, from 0."""
    return COLOURS[index % SERIES]


def new_figure(columns: int = 1, *, width: float = 5.2, height: float = 3.5) -> tuple[Any, Any]:
    """A figure and its list of panels. Call within `settings()`."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height), layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0.0)
    panels = figure.subplots(1, columns, squeeze=False)[0]
    for panel in panels:
        panel.patch.set_alpha(0.0)
    return figure, panels


def settings() -> Any:
    """A context in which figures are made and saved."""
    import matplotlib as mpl

    return mpl.rc_context(SETTINGS | {"svg.hashsalt": "sciml"})


def few_ticks(panel: Any, ratio: float) -> None:
    """Plain numbers below a logarithmic axis, as many as fit. ratio: of its ends."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    steps = (1.0,) if ratio > 1e3 else (1.0, 3.0) if ratio > 30 else (1.0, 2.0, 3.0, 5.0)
    panel.xaxis.set_major_locator(LogLocator(subs=steps))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_locator(NullLocator())


def as_svg(figure: Any, name: str, label: str) -> str:
    """The <svg> element. name: prefix of its ids, unique in the page; label: what a screen reader says.

    Equal figures give equal text: ids are hashed with a fixed salt, no date is written.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, variable)
    text = re.sub(r"font: ([\d.]+px) [^;\"]+", r"font-size: \1", text)  # the page's own font
    head, rest = text.split(">", 1)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    safe = label.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'{head} role="img" aria-label="{safe}">{rest.strip()}'
