"""Which solvers and executors exist. Every plugin is loaded in its own `try`: a broken one is listed, never fatal.

Environment: SCIML_LOAD_PLUGINS=a,b loads only these; SCIML_DISABLE=a,b leaves these out;
SCIML_STRICT=1 turns a broken plugin into an error.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

import pluggy

from . import hookspecs
from .errors import RunFailed, UsageError, did_you_mean
from .executor import Executor
from .metric import Metric
from .options import Options
from .problem import Problem
from .solver import API_VERSION, REASONS, Solver, Solves, Task
from .transport import Transport, TransportSolver

GROUP = "sciml"
T = TypeVar("T", bound=Options)


@dataclass
class Plugin:
    """One entry point and what became of it."""

    name: str
    distribution: str
    version: str
    module: str
    solvers: list[type[Solver]] = field(default_factory=list)
    executors: list[type[Executor]] = field(default_factory=list)
    metrics: list[type[Metric]] = field(default_factory=list)
    problem: str = ""  # why it is not usable; empty when it is

    @property
    def status(self) -> str:
        return "broken" if self.problem and not self.problem.startswith("disabled") else self.problem or "ok"


def _names(variable: str) -> list[str] | None:
    value = os.environ.get(variable)
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]


def _solver(cls: object) -> type[Solver]:
    """A registered object that really is a usable solver class. Raises TypeError."""
    if not (isinstance(cls, type) and issubclass(cls, Solver)):
        raise TypeError(f"register_solvers() returned {cls!r}, which is not a subclass of sciml.Solver")
    for attribute in ("name", "solves"):
        if not hasattr(cls, attribute):
            raise TypeError(f"{cls.__name__} has no class attribute {attribute!r}")
    if not isinstance(cls.name, str) or not isinstance(cls.solves, Solves):
        raise TypeError(f"{cls.__name__}: 'name' must be a text and 'solves' a sciml.Solves")
    _check(cls, "solve")
    return cls


def _executor(cls: object) -> type[Executor]:
    """The same for executors."""
    if not (isinstance(cls, type) and issubclass(cls, Executor)):
        raise TypeError(f"register_executors() returned {cls!r}, which is not a subclass of sciml.Executor")
    if not isinstance(getattr(cls, "name", None), str):
        raise TypeError(f"{cls.__name__}: 'name' must be a text")
    _check(cls, "run")
    return cls


def _check(cls: type[Options], method: str) -> None:
    if getattr(cls, "__abstractmethods__", None):
        raise TypeError(f"{cls.__name__} does not define {method}()")
    undocumented = [key for key, info in cls.model_fields.items() if not info.description]
    if undocumented:
        raise TypeError(f"option {undocumented[0]!r} of {cls.name} has no description")
    required = [key for key, info in cls.model_fields.items() if info.is_required()]
    if required:
        raise TypeError(f"option {required[0]!r} of {cls.name} has no default")


def _checked_metric(cls: object) -> type[Metric]:
    """A registered object that really is a usable metric class. Raises TypeError."""
    if not (isinstance(cls, type) and issubclass(cls, Metric)):
        raise TypeError(f"register_metrics() returned {cls!r}, which is not a subclass of sciml.Metric")
    for attribute in ("name", "version", "summary"):
        if not isinstance(getattr(cls, attribute, None), str):
            raise TypeError(f"{cls.__name__} has no text {attribute!r}")
    if getattr(cls, "__abstractmethods__", None):
        raise TypeError(f"{cls.__name__} does not define measure()")
    return cls


def _load(entry: EntryPoint) -> Plugin:
    """Import one plugin and collect its solvers; every failure is recorded, none escapes."""
    dist = entry.dist
    plugin = Plugin(entry.name, dist.name if dist else "?", dist.version if dist else "?", entry.value)
    allowed, blocked = _names("SCIML_LOAD_PLUGINS"), _names("SCIML_DISABLE") or []
    if entry.name in blocked or (allowed is not None and entry.name not in allowed):
        plugin.problem = "disabled by the environment"
        return plugin
    try:
        module = entry.load()
        wanted = getattr(module, "SCIML_API", API_VERSION)
        if wanted != API_VERSION:
            which = "upgrade sciml-toolkit" if wanted > API_VERSION else "upgrade the plugin"
            raise RuntimeError(
                f"it was written for plugin interface {wanted}, this is {API_VERSION}: {which}"
            )
        manager = pluggy.PluginManager("sciml")  # one each: a failure leaves nothing behind
        manager.add_hookspecs(hookspecs)
        manager.register(module, entry.name)
        manager.check_pending()
        for group in manager.hook.register_solvers():
            plugin.solvers += [_solver(cls) for cls in group]
        for group in manager.hook.register_executors():
            plugin.executors += [_executor(cls) for cls in group]
        for found in manager.hook.register_metrics():
            plugin.metrics += [_checked_metric(cls) for cls in found]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may even call sys.exit() at import
        if os.environ.get("SCIML_STRICT") == "1":
            raise RunFailed(f"plugin {entry.name!r} is broken: {error}") from error
        plugin.solvers, plugin.executors, plugin.metrics = [], [], []
        plugin.problem = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return plugin


@cache
def plugins() -> tuple[Plugin, ...]:
    """Every installed plugin, loaded once, in a fixed order."""
    found = sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value))
    return tuple(_load(entry) for entry in found)


def solvers() -> dict[str, type[Solver]]:
    """Usable names: `etdrk4`, and `plugin/etdrk4` where two plugins claim one name."""
    return _names_of([(plugin.name, cls) for plugin in plugins() for cls in plugin.solvers])


def executors() -> dict[str, type[Executor]]:
    """The same of executors."""
    return _names_of([(plugin.name, cls) for plugin in plugins() for cls in plugin.executors])


def _names_of(claimants: list[tuple[str, type[T]]]) -> dict[str, type[T]]:
    alone = Counter(cls.name for _, cls in claimants)
    named = {cls.name if alone[cls.name] == 1 else f"{plugin}/{cls.name}": cls for plugin, cls in claimants}
    return dict(sorted(named.items()))


def metrics() -> list[tuple[str, type[Metric]]]:
    """Usable metrics with the names of their plugins."""
    return [(plugin.name, cls) for plugin in plugins() for cls in plugin.metrics]


def plugin_of(cls: type[Solver]) -> Plugin:
    """The plugin that registered this class."""
    return next(plugin for plugin in plugins() if cls in plugin.solvers)


def get_solver(name: str) -> type[Solver]:
    """The class for a name; `plugin/solver` always works. Raises UsageError with the nearest name."""
    return _find("solver", name, solvers(), [(p.name, cls) for p in plugins() for cls in p.solvers])


def get_executor(name: str) -> type[Executor]:
    """The same for executors."""
    return _find("executor", name, executors(), [(p.name, cls) for p in plugins() for cls in p.executors])


def _find(what: str, name: str, known: dict[str, type[T]], claimants: list[tuple[str, type[T]]]) -> type[T]:
    if name in known:
        return known[name]
    for plugin, cls in claimants:
        if name == f"{plugin}/{cls.name}":
            return cls
    claimed = [key for key in known if key.endswith(f"/{name}")]
    if claimed:
        raise UsageError(f"{name!r} is offered by several plugins; write {' or '.join(claimed)}.")
    broken = [plugin.name for plugin in plugins() if plugin.status == "broken"]
    note = f" (broken plugins, see `sciml plugins`: {', '.join(broken)})" if broken else ""
    raise UsageError(f"there is no {what} {name!r}{did_you_mean(name, known)}{note}")


def able(problem: Task) -> list[str]:
    """Names of the solvers that accept the problem with their default options, and without training."""
    return [name for name, cls in solvers().items() if not cls.needs_model and not reasons(cls(), problem)]


def reasons(solver: Solver, problem: Task) -> list[str]:
    """Every reason why not. A solver is asked only about problems of its own kind of object."""
    if isinstance(problem, Problem):
        return solver.refuses(problem)
    if isinstance(problem, Transport) and isinstance(solver, TransportSolver):
        return solver.cannot(problem)
    (kind,) = problem.features["kind"]
    return [REASONS["kind"].format(kind)]


def require_able(solver: Solver, problem: Task) -> None:
    """Raise UsageError with every reason why not, and who could."""
    why = reasons(solver, problem)
    if why:
        others = able(problem)
        who = f"; solvers that can: {', '.join(others)}." if others else "; no installed solver can."
        raise UsageError(f"{solver.name} cannot solve {problem.name!r}: {'; '.join(why)}{who}")
