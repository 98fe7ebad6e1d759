"""The picture of `sciml bench kernels`: achieved share of the copy's bandwidth by size, a panel a kernel."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from .bench import Measured

COLOURS = {"triton": "C0", "compiled": "C1", "eager": "C2"}


def draw(rows: Sequence[Measured], title: str) -> bytes:
    """PNG bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row.kernel for row in rows))
    columns = min(4, len(names))
    lines = math.ceil(len(names) / columns)
    figure = Figure(figsize=(3.2 * columns, 2.6 * lines + 0.6), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for panel, name in zip(panels, names, strict=False):
        own = sorted((row for row in rows if row.kernel == name), key=lambda row: row.bytes)
        for path, colour in COLOURS.items():
            points = [(row.bytes, share) for row in own if (share := row.of_copy(path)) is not None]
            if points:
                panel.loglog(*zip(*points, strict=True), "o-", color=colour, label=path, markersize=4)
        panel.axhline(1.0, color="0.6", linestyle="--", linewidth=1)
        panel.set_title(name, fontsize=9)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    panels[0].legend(fontsize=8)
    figure.supxlabel("bytes moved")
    figure.supylabel("bytes/s, share of a copy's")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
