"""What a multigrid neural operator is made of, and the layouts of the published runs. No torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

from sciml.errors import UsageError
from sciml.problem import Grid

if TYPE_CHECKING:
    from .solver import Mgno

Padding = Literal["zeros", "circular", "reflect"]
SMALLEST = 2  # points along an axis on the coarsest level: a reflection by one point needs them


def halved(n: int) -> int:
    """Points left of n by a convolution of stride 2: every other one, the first kept."""
    return (n + 1) // 2


@dataclass(frozen=True)
class Layout:
    """Sizes and conventions of a network.

    grid: points along both axes. smoothing: steps before and after the coarser levels, (pre, post), by level.
    channels: of u on the finest level, and, with growth, (level + 1) times as many on the others, for u and f both.
    bias: in S and A both, in A only, or in none. link: the 1x1 map C beside a cycle: "affine", "linear" (where the
    channels in and out agree), "none". norm: LayerNorm over (channel, y, x) after every layer, after every level on the
    way up, or none. prolongation: "fit" takes 3 or 4 points along an axis, by the parity of the finer grid; "3" always
    3.
    """

    grid: tuple[int, int]
    inputs: int = 1
    outputs: int = 1
    channels: int = 24
    layers: int = 4
    smoothing: tuple[tuple[int, int], ...] = ((1, 0), (1, 0), (1, 0), (1, 0), (2, 0))
    padding: Padding = "zeros"
    restriction: Literal["plain", "residual"] = "plain"
    growth: bool = False
    bias: Literal["none", "operator", "both"] = "none"
    link: Literal["affine", "linear", "none"] = "affine"
    norm: Literal["none", "levels", "layer"] = "none"
    prolongation: Literal["fit", "3"] = "fit"

    def __post_init__(self) -> None:
        if not self.smoothing or any(pre < 1 or post < 0 for pre, post in self.smoothing):
            raise UsageError("mgno: every level needs at least one smoothing step on the way down.")
        if self.smoothing[-1][1]:
            raise UsageError("mgno: the coarsest level has no way up, so no smoothing steps after it.")
        if min(self.sizes[-1]) < SMALLEST:
            raise UsageError(
                f"mgno: {len(self.smoothing)} levels leave {self.sizes[-1]} points of {self.grid}; take fewer levels."
            )
        if self.padding == "circular":
            step = 2 ** (len(self.smoothing) - 1)
            if any(n % step for n in self.grid):
                raise UsageError(
                    f"mgno: {len(self.smoothing)} levels on a periodic grid need sizes that {step} divides,"
                    f" not {self.grid}."
                )

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Grids of the levels, finest first."""
        grids = [self.grid]
        for _ in self.smoothing[1:]:
            grids.append((halved(grids[-1][0]), halved(grids[-1][1])))
        return grids

    def width(self, channels: int, level: int) -> int:
        """Channels on a level, of `channels` on the finest."""
        return channels * (level + 1 if self.growth else 1)


def once_a_level(levels: int, coarsest: int = 2) -> tuple[tuple[int, int], ...]:
    """One smoothing step on every level, `coarsest` on the last."""
    return ((1, 0),) * (levels - 1) + ((coarsest, 0),)


def levels_of(grid: tuple[int, int], periodic: bool) -> int:
    """Levels down to 4 points (or 5) along the shorter axis; of a periodic grid, as long as halving is exact."""
    levels, sizes = 1, grid
    while min(halved(n) for n in sizes) >= 4 and not (periodic and any(n % 2 for n in sizes)):
        levels, sizes = levels + 1, (halved(sizes[0]), halved(sizes[1]))
    return levels


PRESETS: dict[str, Layout] = {
    "darcy-rough": Layout((256, 256), smoothing=once_a_level(6)),
    "darcy-smooth": Layout((211, 211), layers=5, smoothing=once_a_level(6)),
    "pipe": Layout((128, 128), inputs=2, layers=5, smoothing=(*once_a_level(4, 1), (1, 1), (2, 0))),
    "navier-stokes": Layout(
        (64, 64), channels=32, layers=5, smoothing=((1, 0), (1, 0), (1, 0), (2, 0), (2, 0)), padding="circular",
        bias="both", link="none", norm="levels",
    ),
    "helmholtz": Layout(
        (101, 101), inputs=2, channels=20, smoothing=((1, 0), (1, 0), (1, 0), (2, 0), (2, 0)), padding="reflect",
        growth=True, bias="operator", link="linear", norm="layer", prolongation="3",
    ),
}  # fmt: skip


def layout_of(solver: Mgno, inputs: int, outputs: int, grid: Grid) -> Layout:
    """The layout that the options mean on a grid. Raises UsageError where it does not fit."""
    shape = cast(tuple[int, int], grid.shape)
    if solver.preset != "none":
        return replace(PRESETS[solver.preset], grid=shape, inputs=inputs, outputs=outputs)
    faces = {face for axis in grid.axes for face in axis.faces}
    natural: Padding = "circular" if faces == {"periodic"} else "reflect" if faces == {"neumann"} else "zeros"
    padding = natural if solver.padding == "auto" else solver.padding
    levels = solver.levels or levels_of(shape, padding == "circular")
    steps = ((solver.smoothing, solver.post),) * (levels - 1) + ((solver.smoothing + 1, 0),)
    return Layout(
        shape, inputs, outputs, solver.channels, solver.layers, steps, padding, solver.restriction,
    )  # fmt: skip
