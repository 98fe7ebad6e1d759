"""A training step of the 1-D U-Net on a CPU, as textbooks write it and as `pde-refiner` takes it, in turns.

`python benchmarks/unet_step.py [width]`: forward, backward and Adam on a batch of 64 fields of 64 points, float32, one
thread; medians of CPU milliseconds. The first compilation takes seconds to minutes and is not counted.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sciml.networks.rows import rows_of
from sciml.networks.unet import Block, Convolution, UNet

ROUNDS, STEPS = 15, 3


class Textbook(nn.Module):
    """The same network from nn.Conv1d(padding_mode="circular"), nn.GroupNorm and nn.GELU, channels first."""

    def __init__(self, model: UNet) -> None:
        super().__init__()
        self.model, self.gelu = model, nn.GELU()
        self.convolutions = nn.ModuleList()
        self.places: dict[int, int] = {}
        for part in model.modules():
            if isinstance(part, Convolution):
                out, entering, taps = part.weight.shape
                layer = nn.Conv1d(entering, out, taps, part.stride, taps // 2, padding_mode="circular")
                layer.weight, layer.bias = part.weight, part.bias
                self.places[id(part)] = len(self.convolutions)
                self.convolutions.append(layer)

    def convolve(self, part: Any, x: Tensor) -> Tensor:
        result: Tensor = self.convolutions[self.places[id(part)]](x)
        return result

    def block(self, block: Any, x: Tensor, embedding: Tensor) -> Tensor:
        inner = self.convolve(block.conv1, self.gelu(block.norm1(x))) + block.shift(embedding)[:, :, None]
        inner = self.convolve(block.conv2, self.gelu(block.norm2(inner)))
        return inner + (x if isinstance(block.skip, nn.Identity) else self.convolve(block.skip, x))

    def forward(self, x: Tensor, level: Tensor, told: Tensor) -> Tensor:
        model = self.model
        embedding = model.embedding(level, told)
        x = self.convolve(model.stem, x)
        stored = [x]
        for part in model.down:
            x = self.block(part, x, embedding) if isinstance(part, Block) else self.convolve(part, x)
            stored.append(x)
        for part in model.middle:
            x = self.block(part, x, embedding)
        for part in model.up:
            x = self.block(part, torch.cat([x, stored.pop()], 1), embedding) if isinstance(part, Block) else part(x)
        return self.convolve(model.head, functional.gelu(model.norm(x)))


def main() -> None:
    torch.set_num_threads(1)
    width = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    print("| levels | textbook ms | pde-refiner ms | times faster | first step s |\n|---|---|---|---|---|")
    for multipliers in ((1,), (1, 2, 2)):
        model = UNet(1, 3, 1, width=width, multipliers=multipliers, blocks=1, parameters=1)
        x, told, level, aim = torch.randn(64, 3, 64), torch.randn(64, 1), torch.zeros(64), torch.randn(64, 1, 64)
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)

        def step(forward: Any, optimiser: Any = optimiser, data: Any = (x, level, told, aim)) -> None:
            optimiser.zero_grad(set_to_none=True)
            ((forward(*data[:3]) - data[3]) ** 2).mean().backward()
            optimiser.step()

        ways = {"textbook": Textbook(model), "ours": torch.compile(rows_of(model))}
        assert torch.allclose(ways["textbook"](x, level, told), rows_of(model)(x, level, told), atol=1e-4)
        began = time.monotonic()
        step(ways["ours"])
        first = time.monotonic() - began
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                start = time.process_time()
                for _ in range(STEPS):
                    step(way)
                took[name].append(1000 * (time.process_time() - start) / STEPS)
        slow, fast = (statistics.median(took[name]) for name in ways)
        print(f"| {multipliers} | {slow:.1f} | {fast:.1f} | {slow / fast:.2f} | {first:.0f} |", flush=True)


if __name__ == "__main__":
    main()
