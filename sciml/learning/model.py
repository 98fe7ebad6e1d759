"""Trained weights with everything that is needed to use, trust and repeat them: safetensors with a JSON header.

The header's entry "sciml" holds schema, solver, options, family, hash and size of the training data, how long and
how well it was trained, and versions. The tensor "sciml.seen" holds the first eight bytes of the digests of all
training problems: they are never scored.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from ..errors import UsageError
from ..family import Family
from ..files.atomic import write_bytes
from ..files.bounds import bounded_by
from ..files.regular import require_regular
from ..problem import Problem

if TYPE_CHECKING:
    import torch

SCHEMA = 1
SEEN = "sciml.seen"
LARGEST = 2**32


@dataclass(frozen=True)
class Card:
    """The header. options: of the solver, as trained. metrics: the last validation. extra: the solver's own."""

    solver: str
    plugin: str
    solver_version: str
    options: dict[str, Any]
    family: dict[str, Any]
    data_hash: str
    members: int
    iterations: int
    seed: int
    seconds: float
    parameters: int
    metrics: dict[str, float]
    extra: dict[str, Any]
    versions: dict[str, str]
    command: str
    stopped: str = ""  # why training ended before its last step, if it did


_CARD = TypeAdapter(Card)


def family_of(card: Card) -> Family:
    """What a model was trained on. Raises UsageError for a description that asks for more memory than any file may."""
    with bounded_by(0):
        return Family.parse(card.family)


class Model:
    """weights: arrays by name, as `torch.nn.Module.state_dict` names them."""

    def __init__(
        self, card: Card, weights: Mapping[str, NDArray[Any]], seen: NDArray[np.uint8], path: str = ""
    ) -> None:
        self.card, self.weights, self.path = card, dict(weights), path
        self._seen = seen

    @cached_property
    def family(self) -> Family:
        return family_of(self.card)

    @cached_property
    def seen(self) -> Seen:
        return Seen(self._seen)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of weights and header."""
        return hashlib.sha256(self._bytes()).hexdigest()

    def covers(self, problem: Problem) -> list[str]:
        """Every reason why a problem is outside what the model was trained for; empty means inside."""
        return covers(self.family, problem)

    def with_card(self, card: Card) -> Model:
        """The same weights and training problems under another header."""
        return Model(card, self.weights, self._seen, self.path)

    def state_dict(self, device: str = "cpu") -> dict[str, Any]:
        """Tensors for `torch.nn.Module.load_state_dict`."""
        import torch

        return {name: torch.as_tensor(np.array(value), device=device) for name, value in self.weights.items()}

    def fill(self, network: torch.nn.Module, device: str = "cpu") -> None:
        """Put the weights into a network. Raises UsageError where they are those of another one: options and header of
        a model can only describe what the present version of its solver builds."""
        own = {name: tuple(value.shape) or (1,) for name, value in network.state_dict().items()}
        if own != {name: value.shape or (1,) for name, value in self.weights.items()}:  # a file has no numbers alone
            raise UsageError(
                f"{self.path or 'the model'}: its weights do not fit the network that {self.card.solver} builds now"
                f" (it was trained by version {self.card.solver_version} of it); train it again."
            )
        network.load_state_dict(self.state_dict(device))

    def _bytes(self) -> bytes:
        from safetensors.numpy import save

        header = json.dumps({"schema": SCHEMA, **asdict(self.card)}, sort_keys=True)
        tensors = {name: np.ascontiguousarray(value) for name, value in self.weights.items()}
        return bytes(save(tensors | {SEEN: self._seen}, metadata={"sciml": header}))

    def write(self, path: str | Path) -> None:
        """Write atomically."""
        write_bytes(Path(path), self._bytes())

    @classmethod
    def read(cls, path: str | Path) -> Model:
        """Raises UsageError for anything that is not a whole model file of this version or an older one."""
        card = read_card(path)
        from safetensors.numpy import load_file

        try:
            tensors = load_file(path)
        except Exception as error:
            raise UsageError(f"{path}: damaged or truncated ({error}).") from None
        seen = tensors.get(SEEN)
        if seen is None or seen.dtype != np.uint8 or seen.ndim != 2 or seen.shape[1] != 8:
            raise UsageError(f"{path}: the record of the training problems is missing or damaged.")
        return cls(card, {k: v for k, v in tensors.items() if k != SEEN}, tensors[SEEN], str(path))


def covers(family: Family, problem: Problem) -> list[str]:
    """Every reason why a problem is not of a family's kind: another equation, grid or boundary."""
    example = family.draw("train", 0)
    if example.equation.rates != problem.equation.rates or example.equation.axes != problem.equation.axes:
        return [f"it was trained on {'; '.join(example.equation.statements)}"]
    reasons = []
    for name, value in family.description.parameters.items():
        if problem.equation.parameters.get(name) != value:
            asked = problem.equation.parameters.get(name)
            reasons.append(f"it was trained with {name} = {value:g}, this one has {asked:g}")
    if dict(example.diffusion) != dict(problem.diffusion):
        reasons.append("it was trained with another diffusion")
    if example.grid.shape != problem.grid.shape:
        reasons.append(f"it was trained on a grid of {example.grid.shape}, this one has {problem.grid.shape}")
    if [a.boundary for a in example.grid.axes] != [a.boundary for a in problem.grid.axes]:
        reasons.append("it was trained with other boundary conditions")
    return reasons


class Seen:
    """The training problems, by the first eight bytes of their digests."""

    def __init__(self, table: NDArray[np.uint8]) -> None:
        self.table = frozenset(row.tobytes() for row in table)

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, str) and bytes.fromhex(digest)[:8] in self.table

    @staticmethod
    def of(digests: list[str]) -> NDArray[np.uint8]:
        return np.frombuffer(b"".join(bytes.fromhex(d)[:8] for d in digests), dtype=np.uint8).reshape(-1, 8)


def read_card(path: str | Path) -> Card:
    """The header alone, without torch and without the weights. Raises UsageError."""
    path = Path(path)
    if not os.path.exists(path):
        raise UsageError(f"{path}: there is no such model file; `sciml models` lists those that are there.")
    require_regular(path)
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if not 0 < size <= min(path.stat().st_size, 100_000_000):
                raise ValueError
            header = json.loads(file.read(size))
        data = json.loads(header["__metadata__"]["sciml"])
        schema = data.pop("schema")
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):  # of data that are no object
        raise UsageError(f"{path}: not a model of sciml's; `sciml train` makes them.") from None
    if not isinstance(schema, int) or schema > SCHEMA:
        raise UsageError(f"{path}: written by a newer sciml (schema {schema}); upgrade sciml-toolkit.")
    try:
        return _CARD.validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        raise UsageError(f"{path}: its header is not complete or not sound ({where}: {first['msg']}).") from None
