"""A training step of the multigrid neural operator beside a textbook one of the same network: same weights, same
numbers, float32, one thread, alternating; CPU seconds of the process, so that neighbours count less.

    python benchmarks/mgno_step.py [--size 64] [--batch 8] [--channels 24] [--layers 4] [--steps 20]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from sciml_mgno.layout import Layout, once_a_level
from sciml_mgno.network import MgNO
from torch import Tensor, nn
from torch.nn import functional


class TextbookCycle(nn.Module):
    """Algorithm 1 of arXiv 2310.19809 as it stands there, one convolution after another."""

    def __init__(self, inputs: int, channels: int, smoothing: list[int]) -> None:
        super().__init__()

        def conv(a: int, b: int, stride: int = 1) -> nn.Conv2d:
            return nn.Conv2d(a, b, 3, stride, 1, bias=False)

        first = [[level == 0 and i == 0 for i in range(steps)] for level, steps in enumerate(smoothing)]
        self.a = nn.ModuleList(nn.ModuleList(conv(channels, inputs) for f in level if not f) for level in first)
        self.s = nn.ModuleList(nn.ModuleList(conv(inputs, channels) for _ in level) for level in first)
        downs = range(len(smoothing) - 1)
        self.r = nn.ModuleList(conv(inputs, inputs, 2) for _ in downs)
        self.pi = nn.ModuleList(conv(channels, channels, 2) for _ in downs)
        self.p = nn.ModuleList(nn.ConvTranspose2d(channels, channels, 4, 2, 1, bias=False) for _ in downs)

    def forward(self, f: Tensor) -> Tensor:
        kept = []
        u: Tensor | None = None
        for level, steps in enumerate(self.s):
            skipped = len(steps) - len(self.a[level])
            for i, s in enumerate(steps):
                u = s(f) if u is None else u + s(f - self.a[level][i - skipped](u))
            kept.append(u)
            if level < len(self.r):
                u, f = self.pi[level](u), self.r[level](f)
        for level in reversed(range(len(self.r))):
            u = kept[level] + self.p[level](u)
        return u


class Textbook(nn.Module):
    def __init__(self, layout: Layout) -> None:
        super().__init__()
        widths = [layout.inputs, *[layout.channels] * (layout.layers - 1)]
        steps = [pre for pre, _ in layout.smoothing]
        self.cycles = nn.ModuleList(TextbookCycle(w, layout.channels, steps) for w in widths)
        self.links = nn.ModuleList(nn.Conv2d(w, layout.channels, 1) for w in widths)
        self.head = nn.Conv2d(layout.channels, layout.outputs, 1, bias=False)

    def forward(self, u: Tensor) -> Tensor:
        for cycle, link in zip(self.cycles, self.links, strict=True):
            u = functional.gelu(cycle(u) + link(u))
        return self.head(u)


@torch.no_grad()
def share_weights(ours: MgNO, textbook: Textbook) -> None:
    """Copy our weights into the textbook's network."""
    for layer, cycle, link in zip(ours.layers, textbook.cycles, textbook.links, strict=True):
        for level, a, s in zip(layer.cycle.levels, cycle.a, cycle.s, strict=True):
            operators = [step.operator for step in level.pre if step.operator is not None]
            for theirs, mine in zip(a, operators, strict=True):
                theirs.weight.copy_(mine.weight)
            for theirs, step in zip(s, level.pre, strict=True):
                theirs.weight.copy_(step.smoother.weight)
        for descent, r, pi, p in zip(layer.cycle.descents, cycle.r, cycle.pi, cycle.p, strict=True):
            r.weight.copy_(descent.restrict_f.weight)
            pi.weight.copy_(descent.restrict_u.weight)
            if p.weight.shape != descent.prolong.weight.shape:
                raise SystemExit("the textbook's transposed convolutions are for a --size that 2^levels divides.")
            p.weight.copy_(descent.prolong.weight)
        link.weight.copy_(layer.link.weight[..., None, None])
        link.bias.copy_(layer.link.bias)
    textbook.head.weight.copy_(ours.head.weight[..., None, None])


def step_of(network: nn.Module, a: Tensor, u: Tensor, fused: bool) -> Callable[[], float]:
    adam = torch.optim.Adam(network.parameters(), 1e-3, fused=fused)

    def step() -> float:
        adam.zero_grad()
        loss = ((network(a) - u).flatten(1).norm(dim=1) / u.flatten(1).norm(dim=1)).mean()
        loss.backward()
        adam.step()
        return float(loss.detach())

    return step


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, value in (("size", 64), ("batch", 8), ("channels", 24), ("layers", 4), ("levels", 5), ("steps", 20)):
        parser.add_argument(f"--{name}", type=int, default=value)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    smoothing = once_a_level(asked.levels)
    layout = Layout((asked.size, asked.size), channels=asked.channels, layers=asked.layers, smoothing=smoothing)
    ours, textbook = MgNO(layout), Textbook(layout)
    share_weights(ours, textbook)
    a, u = torch.randn(2, asked.batch, 1, asked.size, asked.size)
    steps = {"textbook": step_of(textbook, a, u, False), "sciml": step_of(ours, a, u, True)}
    with torch.no_grad():
        apart = (ours(a) - textbook(a)).abs().max() / textbook(a).abs().max()
    losses: dict[str, list[float]] = {name: [step() for _ in range(3)] for name, step in steps.items()}  # warm
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(asked.steps):
        for name, step in steps.items():
            start = time.process_time()
            step()
            seconds[name].append(time.process_time() - start)
    print(f"largest difference of the answers {float(apart):.1e}; third loss {losses['textbook'][-1]:.6f}"
          f" and {losses['sciml'][-1]:.6f}")  # fmt: skip
    for name, taken in seconds.items():
        print(f"{name:9s} {1e3 * statistics.median(taken):7.1f} ms a step (median), {1e3 * min(taken):7.1f} (least)")
    ratios = [t / s for t, s in zip(seconds["textbook"], seconds["sciml"], strict=True)]
    print(f"ratio     {statistics.median(ratios):.2f} (median of pairs), {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
