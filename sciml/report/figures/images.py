"""Fields as small PNG pictures with 256 colours, encoded for the inside of a page."""

from __future__ import annotations

import base64
import io
from functools import cache

import numpy as np

from ...problem import Array

MOST_PIXELS = 300  # along one side
FIELD, ONE_SIGN, ERROR = "RdBu_r", "viridis", "magma"
LEVELS = 255  # the last index of the palette is for what is missing
MISSING = (128, 128, 128)


@cache
def _palette(name: str) -> bytes:
    from matplotlib import colormaps

    colours = colormaps[name](np.linspace(0, 1, LEVELS))[:, :3]
    return bytes(np.rint(255 * colours).astype(np.uint8).ravel()) + bytes(MISSING)


def thinned(values: Array, most: int = MOST_PIXELS) -> Array:
    """Every k-th row and column, so that neither side has more than `most`; waves that are finer are not to be seen."""
    rows, columns = (max(1, -(-n // most)) for n in values.shape)
    return values[::rows, ::columns]


def indices(values: Array, low: float, high: float) -> np.ndarray:
    """Of the palette, uint8; the first row is drawn at the bottom. What is not finite has the last index."""
    span = high - low if high > low else 1.0
    level = np.clip((values - low) / span, 0.0, 1.0) * (LEVELS - 1)
    found = np.where(np.isfinite(values), np.rint(np.nan_to_num(level)), LEVELS).astype(np.uint8)
    return found[::-1]


def png(index: np.ndarray, colours: str) -> str:
    """A data address."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(index))
    image.putpalette(_palette(colours))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def gradient(colours: str) -> str:
    """The palette as a CSS gradient, low to high, for the legend."""
    table = _palette(colours)
    stops = [tuple(table[3 * i : 3 * i + 3]) for i in np.linspace(0, LEVELS - 1, 9).astype(int)]
    return "linear-gradient(to right, " + ", ".join(f"rgb({r} {g} {b})" for r, g, b in stops) + ")"
