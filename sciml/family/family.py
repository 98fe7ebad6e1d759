"""A distribution of problems: what varies from member to member, by which law, and the seeds of its splits.

    family = Family(FamilyDescription.model_validate(data))
    family.draw("train", 0)      # the first training problem, the same on every machine
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..equation import Equation, Names, parse_expression, tree
from ..equation.indexed import evaluate_sum
from ..errors import UsageError, did_you_mean
from ..files.bounds import spend
from ..files.layout import check_names
from ..problem import Array, Axis, Grid, Problem, numpy_function
from .laws import Law, RandomField

Finite = Annotated[float, Field(allow_inf_nan=False)]
SPLITS = ("train", "valid", "test")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AxisLaw(_Strict):
    """An axis whose ends may be names of random numbers, or formulas of them such as "2*pi*L"."""

    name: str
    lower: Finite | str
    upper: Finite | str
    size: int
    boundary: str = "periodic"


class Split(_Strict):
    """Members 0 … count - 1 are drawn from (seed, index). Of an evolution: output times 0 … end, `times` of them."""

    seed: Annotated[int, Field(ge=0, lt=2**62)]
    count: Annotated[int, Field(ge=1, le=10**7)]
    end: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    times: Annotated[int, Field(ge=2, le=10**6)] | None = None


class Maker(_Strict):
    """The solver that makes the data, or "file" where they are read from files of others; options that differ:
    `check` in a second run, whose distance is the stated error; `train` for training members, of which a chaotic
    trajectory need not be the exact one, only each of its steps; `spin_up` for what passes before the data begin."""

    solver: str
    options: dict[str, bool | int | float | str] = {}
    check: dict[str, bool | int | float | str] = {}
    train: dict[str, bool | int | float | str] = {}
    spin_up: dict[str, bool | int | float | str] = {}


class FamilyDescription(_Strict):
    """What /sciml/family must look like.

    noise: of the observations that learners train and validate on, in standard deviations of each field (see
    `observation`). diffusion: as in a problem; training and validation data are then single paths, and a test
    member's data the mean and the standard deviation over the paths that the maker follows.
    """

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    kind: str = "evolution"
    equation: list[str]
    fields: Annotated[list[str], Field(min_length=1)]
    axes: list[AxisLaw] = []
    parameters: dict[str, Finite] = {}
    random: dict[str, Law] = {}
    initial: dict[str, str] = {}
    given: dict[str, str] = {}
    boundary: dict[str, dict[str, dict[str, str]]] = {}
    diffusion: dict[str, str] = {}
    spin_up: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    noise: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.0
    splits: dict[str, Split]
    maker: Maker
    lyapunov: Finite | None = None
    invariants: dict[str, str] = {}
    title: str = ""
    about: str = ""


class Family:
    """See the module. Raises UsageError for a description that cannot be drawn from."""

    def __init__(self, description: FamilyDescription) -> None:
        self.description = d = description
        if set(d.splits) != set(SPLITS):
            raise UsageError(f"family: the splits must be {', '.join(SPLITS)}, not {', '.join(sorted(d.splits))}.")
        seeds = [split.seed for split in d.splits.values()]
        if len(set(seeds)) < len(seeds):
            raise UsageError("family: two splits have one seed; what is scored would be what was trained on.")
        for name, split in d.splits.items():
            if (d.kind == "evolution") != (split.end is not None and split.times is not None):
                raise UsageError(f"family: the split {name!r} needs end and times if the kind is evolution, else none.")
        if d.maker.spin_up and not d.spin_up:
            raise UsageError("family: the maker has options for a spin-up, and there is none.")
        if d.spin_up and d.kind != "evolution":
            raise UsageError("family: only an evolution has a spin-up.")
        if self.imported and (d.random or d.spin_up or d.noise or d.diffusion):
            raise UsageError("family: data from files cannot be drawn at random, spun up, or given noise.")
        if d.diffusion and d.spin_up:
            raise UsageError("family: a stochastic equation has no spin-up.")
        if not d.axes and (d.kind != "evolution" or d.given or d.boundary):
            raise UsageError("family: without axes there are only evolutions, with nothing given on a grid or faces.")
        if not d.axes and any(law.law == "gaussian-field" for law in d.random.values()):
            raise UsageError("family: a Gaussian field needs axes.")
        for name in d.random:
            if name in d.parameters or name in d.fields:
                raise UsageError(f"family: the name {name!r} is given two meanings; rename one of them.")
        check_names(self.draw("train", 0))  # whatever is wrong is said now

    @classmethod
    def parse(cls, data: Any) -> Family:
        """From plain data (JSON, TOML). Raises UsageError naming the place that is wrong."""
        try:
            return cls(FamilyDescription.model_validate(data))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UsageError(f"family, {where or 'top level'}: {first['msg']}.") from None

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def imported(self) -> bool:
        """Whether the data come from files (`sciml data --from`); members are then known by their data only."""
        return self.description.maker.solver == "file"

    @property
    def stochastic(self) -> bool:
        return bool(self.description.diffusion)

    def describe(self) -> dict[str, Any]:
        """Plain data. What most families lack is left out where it is: their hashes stay what they were."""
        data: dict[str, Any] = self.description.model_dump(mode="json")
        data["maker"] = {k: v for k, v in data["maker"].items() if v or k not in ("train", "spin_up")}
        return {k: v for k, v in data.items() if v or k not in ("noise", "diffusion")}

    def split(self, name: str) -> Split:
        if name not in self.description.splits:
            raise UsageError(f"there is no split {name!r}{did_you_mean(name, self.description.splits)}")
        return self.description.splits[name]

    def times(self, split: str) -> Array:
        """Output times of a split's members, from 0."""
        chosen = self.split(split)
        if chosen.end is None or chosen.times is None:
            return np.zeros(1)
        return np.linspace(0.0, chosen.end, chosen.times)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the distribution: not of its name, of how many are drawn, or of who solves them."""
        left_out = ("name", "title", "about", "splits", "maker", "lyapunov", "invariants")
        return _digest({k: v for k, v in self.describe().items() if k not in left_out})

    def data_hash(self, split: str) -> str:
        """SHA-256 of what a split's data depend on, apart from how many there are."""
        chosen = self.split(split).model_dump(mode="json", exclude={"count"})
        maker = self.describe()["maker"]
        other = maker.pop("train", {})
        if split == "train" and other:
            maker = {k: v for k, v in maker.items() if k != "check"} | {"options": maker["options"] | other}
        return _digest([self.content_hash, chosen, maker])

    def draw(self, split: str, index: int) -> Problem:
        """Member `index` as it is drawn: of a family with a spin-up, from before it to its end.

        A function of the split's seed and the index alone. Of imported data: everything but the data, which are 0.
        """
        d = self.description
        blank = dict.fromkeys(d.fields if d.kind == "evolution" else (), "0") if self.imported else None
        rng = np.random.default_rng([self.split(split).seed, index])
        numbers: dict[str, float] = dict(d.parameters)
        vectors: dict[str, Array] = {}
        laws = sorted(d.random.items())
        for name, law in laws:
            if law.law != "gaussian-field":
                value = law.draw(rng, ())
                if np.ndim(value):
                    vectors[name] = value
                else:
                    numbers[name] = float(value)
        axes = tuple(self._axis(axis, numbers) for axis in d.axes)
        fields = {name: law.draw(rng, axes) for name, law in laws if law.law == "gaussian-field"}
        equation = Equation.parse(d.equation, d.fields, [a.name for a in axes], numbers, given=sorted(d.given))
        evaluate = _Formulas(axes, numbers, vectors, fields)
        times = self.times(split)
        if d.spin_up:
            times = np.array([0.0, d.spin_up])
        return Problem(
            f"{d.name}-{split}-{index}", equation, Grid(axes, times), kind=d.kind,
            initial_values={name: evaluate(text) for name, text in (d.initial if blank is None else blank).items()},
            given={name: evaluate("1" if self.imported else text) for name, text in d.given.items()},
            title=d.title, about=d.about, invariants=d.invariants, lyapunov=d.lyapunov, boundary_text=d.boundary,
            diffusion=d.diffusion,
        )  # fmt: skip

    def filled(self, split: str, state: Mapping[str, Array], given: Mapping[str, Array]) -> Problem:
        """A member of an imported split, whose first state and coefficients are given by name, (grid)."""
        from dataclasses import replace

        blank = self.draw(split, 0)
        start = dict(state) if self.description.kind == "evolution" else {}
        return replace(blank, initial_values=start, given=dict(given))

    def started(self, drawn: Problem, split: str, state: Mapping[str, Array]) -> Problem:
        """A drawn member after its spin-up, whose last state is given by field, (grid)."""
        from dataclasses import replace

        return replace(drawn, grid=Grid(drawn.grid.axes, self.times(split)), initial_values=dict(state))

    @staticmethod
    def _axis(law: AxisLaw, numbers: Mapping[str, float]) -> Axis:
        def end(value: float | str) -> float:
            return float(value) if not isinstance(value, str) else float(_Formulas((), numbers, {}, {})(value))

        return Axis(law.name, end(law.lower), end(law.upper), law.size, law.boundary)


class _Formulas:
    """Formulas in a member's coordinates, numbers, vectors (inside sum()) and random fields."""

    def __init__(
        self, axes: tuple[Axis, ...], numbers: Mapping[str, float], vectors: Mapping[str, Array],
        fields: Mapping[str, RandomField],
    ) -> None:  # fmt: skip
        self.shape = tuple(axis.size for axis in axes)
        spend(8 * (2 * len(axes) + len(fields) + 2) * math.prod(self.shape), "a member of the family")
        points = np.meshgrid(*(axis.points() for axis in axes), indexing="ij") if axes else []
        self.coordinates = dict(zip((axis.name for axis in axes), points, strict=True))
        self.numbers, self.vectors = numbers, vectors
        self.fields = {name: field.on(self.shape) for name, field in fields.items()}

    def __call__(self, text: str) -> Array:
        names = Names(tuple(self.fields), tuple(self.coordinates), tuple(self.numbers), tuple(self.vectors))

        def leaf(node: tree.Expr) -> Any:
            match node:
                case tree.Parameter(name):
                    return np.float64(self.numbers[name])
                case tree.Coordinate(name) if name in self.coordinates:
                    return self.coordinates[name]
                case tree.Field(name):
                    return self.fields[name]
                case tree.IndexedSum():
                    return evaluate_sum(
                        node, self.vectors, lambda n: np.float64(self.numbers[n]), numpy_function, self.coordinates
                    )
            raise UsageError(f"family, formula {text!r}: the time and derivatives have no meaning here.")

        with np.errstate(all="ignore"):
            value = np.asarray(tree.evaluate(parse_expression(text, names), leaf, numpy_function), dtype=np.float64)
        if not np.isfinite(value).all():
            raise UsageError(f"family, formula {text!r}: a value is not finite.")
        return np.broadcast_to(value, self.shape).copy()


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
