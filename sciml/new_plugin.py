"""A complete plugin package from a name: solver, tests, documentation and CI, which pass as they are."""

from __future__ import annotations

import keyword
import re
import shutil
import tempfile
from pathlib import Path

from . import __version__
from .errors import RunFailed, UsageError
from .solver import API_VERSION

TEMPLATE = Path(__file__).parent / "templates" / "plugin"


def write_plugin(name: str, folder: Path) -> Path:
    """Write the package `sciml-NAME` to folder / sciml-NAME, whole or not at all; returns that path.

    name: the solver's name, lower case with hyphens. Raises UsageError for a bad one and for a folder that is there,
    RunFailed where it cannot be written.
    """
    import jinja2

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise UsageError(f"{name!r} is not a solver's name: lower-case letters, digits, and hyphens between them.")
    package, target = f"sciml_{name.replace('-', '_')}", folder / f"sciml-{name}"
    if target.exists():
        raise UsageError(f"{target} is there already; choose another name or folder.")
    words = {
        "name": target.name, "package": package, "plugin": name, "solver": name, "api": API_VERSION,
        "cls": "".join(part.capitalize() for part in name.split("-")), "version": __version__,
        "summary": "classical Runge–Kutta method with a fixed step (ODE)",
    }  # fmt: skip
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=".sciml-", dir=folder))
    except OSError as error:
        raise RunFailed(f"cannot write to {folder}: {error.strerror}.") from None
    try:
        for source in sorted(TEMPLATE.rglob("*.jinja")):
            place = source.relative_to(TEMPLATE)
            output = building / Path(str(place.with_suffix("")).replace("package/", f"{package}/", 1))
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(made.get_template(place.as_posix()).render(words), encoding="utf-8")
        building.chmod(0o755)
        building.rename(target)
    except OSError as error:
        raise RunFailed(f"cannot write {target}: {error.strerror}.") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target
