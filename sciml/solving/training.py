"""`sciml train`: data that are missing are made, a training that was stopped goes on, a finished one is returned."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from .. import registry
from ..dataset import make
from ..errors import UsageError
from ..family import Family
from ..learning import LearnedSolver, Model
from ..learning.models import model_folder
from ..run import Run
from .problem import DEFAULT_STORE, digest_of, only_one, require_device

DEFAULT_DATA = Path("sciml-data")


def model_path(store: Path, family: Family, solver: LearnedSolver, seed: int, members: int) -> Path:
    """Where a training's model is kept: a function of everything its weights depend on."""
    key = digest_of({
        "family": family.content_hash, "data": family.data_hash("train"), "members": members,
        "solver": f"{registry.plugin_of(type(solver)).name}/{solver.name}", "version": solver.version,
        "options": solver.trained_options(), "seed": seed,
    })  # fmt: skip
    return model_folder(store) / f"{family.name}-{solver.name}-{key}.safetensors"


def train_model(
    family: Family,
    solver: LearnedSolver,
    *,
    seed: int = 0,
    device: str = "cpu",
    budget: float | None = None,
    members: int | None = None,
    store: str | Path = DEFAULT_STORE,
    data: str | Path = DEFAULT_DATA,
    output: Path | None = None,
    fresh: bool = False,
    wait: bool = True,
    on_progress: Callable[[float, str], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> Path:
    """Train on the family's training data and return the path of the model.

    members: how many training problems (default: as many as the family says). Raises UsageError for a request that
    cannot be carried out, Stopped when budget or Ctrl-C end it (call again to go on), RunFailed otherwise.
    """
    from ..learning.processes import leads, leave
    from ..learning.trainer import train

    reasons = solver.refuses_family(family)
    if reasons:
        raise UsageError(f"{solver.name} cannot be trained on {family.name!r}: {'; '.join(reasons)}.")
    require_device(solver, device)
    store = Path(store)
    count = family.split("train").count if members is None else members
    kept = model_path(store, family, solver, seed, count)
    path = output or kept
    if path.exists() and not fresh and output is None:
        return path
    leader = leads()
    folder = store / ".partial" / kept.stem  # whatever --output says: another training's checkpoint is not this one's
    with only_one(folder, on_notice, wanted=leader, wait=wait):
        if fresh and leader:
            shutil.rmtree(folder, ignore_errors=True)
        making = Run(on_progress=on_progress)
        with making:
            training = make(family, "train", data, count=count, run=making)
            validation = make(family, "valid", data, run=making)
        run = Run(seed=seed, device=device, dtype="float32", budget=budget, folder=folder, on_progress=on_progress)
        run.writes = leader
        with run:
            model: Model = train(solver, training, validation, run)
        if leader:
            model.write(path)
            shutil.rmtree(folder, ignore_errors=True)
    leave()
    return path


def calibrate_model(
    path: Path,
    *,
    output: Path | None = None,
    device: str = "cpu",
    data: str | Path = DEFAULT_DATA,
    on_progress: Callable[[float, str], None] | None = None,
) -> Path:
    """Fit the calibration of a model's spread anew, to the validation data of its family; weights stay as they are.

    Written to `output`, or to the file itself. Raises UsageError where the model states no spread.
    """
    model = Model.read(path)
    cls = registry.get_solver(model.card.solver)
    assert issubclass(cls, LearnedSolver)
    solver = cls.build(**{k: v for k, v in model.card.options.items() if k in cls.model_fields})
    require_device(solver, device)
    run = Run(seed=model.card.seed, device=device, dtype="float32", on_progress=on_progress)
    with run:
        solver.calibrate(model, make(model.family, "valid", data, run=run), run).write(output or path)
    return output or path
