"""Whether a printed command could run: its program, command, options, solvers, files. Nothing is run."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import click
from blocks import ROOT

from sciml import registry
from sciml.cli.common import parse_options
from sciml.cli.main import cli
from sciml.errors import ScimlError
from sciml.solver import Solver

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PLACEHOLDER = re.compile(r"…|^[A-Z][A-Z0-9_.…-]*(\.\w+)?$|^NAME|/NAME|^my-|^old/|[<\[]")  # FILE, RESULT.h5, [NAME], …
READ = ("file", "files", "against", "study_file", "model", "model_file", "spec", "source")  # parameters of what must be there
TOOLS = {"ruff": "lint", "mypy": "lint", "lint-imports": "lint", "mkdocs": "docs", "dask": "dask", "pre-commit": ""}


def complaints(words: list[str], here: Iterable[str], inline: bool) -> list[str]:
    """What is wrong with a command line; here: names of files that the page has made before."""
    program, rest = words[0], words[1:]
    if program == "torchrun" and "sciml.cli.main" in rest:
        program, rest = "sciml", rest[rest.index("sciml.cli.main") + 1 :]
    if program == "sciml":
        return _sciml([word for word in rest if word != "--debug"], set(here), inline)
    if program == "python" and rest and rest[0] == "-m":
        program, rest = rest[1], rest[2:]
    if program == "python":
        return _script(rest)
    if program == "pip":
        return _pip(rest)
    if program == "pytest":
        marks = [line.split(":")[0] for line in PYPROJECT["tool"]["pytest"]["ini_options"]["markers"]]
        return [f"no mark {mark}" for mark in _after(rest, "-m") if mark.removeprefix("not ") not in marks]
    if program in TOOLS:
        return []
    if program in ("venv", "."):
        return []
    if program == "eval":
        return [] if re.search(r"_SCIML_COMPLETE=(bash|zsh)_source sciml", rest[0]) else ["not the completion of sciml"]
    return [f"an unknown program: {program}"]


def _sciml(words: list[str], here: set[str], inline: bool) -> list[str]:
    if not words or words[0].startswith(("-", ">")):  # with > the script of a completion
        return [] if words in (["--version"], ["--help"]) or words[:1] == [">"] else ["no command"]
    command: click.Command | None = cli
    context = click.Context(cli, info_name="sciml")
    path: list[str] = []
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if inline and PLACEHOLDER.search(words[0]):
            return []
        path.append(words[0])
        command = command.get_command(context, words[0])
        if command is None:
            return [f"no command {' '.join(path)}"]
        words = words[1:]
    if inline and any(PLACEHOLDER.search(word) for word in words):  # `sciml solve FILE --solver NAME`: names of options
        options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
        found = [word.split("=")[0] for word in words if word.startswith("-") and word != "-"]
        return [f"{' '.join(path)} has no option {word}" for word in found if word not in options]
    if "--help" in words:
        return []
    try:
        given = command.make_context(path[-1], list(words), parent=context).params
    except click.ClickException as error:
        return [error.format_message()] if not (inline and "Missing" in error.format_message()) else []
    return [*_files(given, here), *_solvers(path, given)]


def _files(given: dict[str, object], here: set[str]) -> list[str]:
    """Files that are read must be shipped, be placeholders, be made before on the page, or be results of a known cell."""
    wrong = []
    for key in READ:
        value = given.get(key)
        for item in value if isinstance(value, tuple) else (value,) if value is not None else ():
            text = str(item)
            if PLACEHOLDER.search(text) or text in here or any(text.startswith(f"{name}/") for name in here):
                continue
            result = re.fullmatch(r"sciml-results/([\w-]+)/(.+)-\*\.h5", text)
            if result:
                known = (ROOT / f"problems/{result[1]}.h5").exists() or f"{result[1]}.h5" in here
                wrong += [] if known else [f"no problem {result[1]}"]
                wrong += [] if result[2] in registry.solvers() else [f"no solver {result[2]}"]
            elif not list(ROOT.glob(text)):
                wrong.append(f"no file {text}")
    return wrong


# solvers of the packages in docs/examples, which the environment of the tests does not have
EXAMPLES = {
    name for file in (ROOT / "docs/examples").glob("*/pyproject.toml")
    for name in tomllib.loads(file.read_text())["project"]["entry-points"]["sciml"]
}  # fmt: skip


def _solvers(path: list[str], given: dict[str, object]) -> list[str]:
    """Solvers and their options, as the commands themselves build them."""
    asked: list[tuple[str, list[str]]] = []
    if path[0] in ("solve", "train", "check-solver", "solvers"):
        name = given.get("solver") or given.get("name")
        asked = [(str(name), list(given.get("pairs") or ()))] if name else []
    elif path[0] == "compare" and given["solvers"] not in (None, "all"):
        asked = [(item.split(":")[0], item.split(":")[1:]) for item in str(given["solvers"]).split(",")]
    wrong = []
    for name, pairs in asked:
        if PLACEHOLDER.search(name) or name in EXAMPLES:
            continue
        try:
            solver: Solver = registry.get_solver(name).from_strings(parse_options(pairs))
        except ScimlError as error:
            wrong.append(str(error))
        else:
            if path[0] == "train" and not solver.needs_model:
                wrong.append(f"{name} is not trained")
    return wrong


def _script(words: list[str]) -> list[str]:
    """A script of ours; its options stand in its text."""
    path = ROOT / words[0]
    path = path / "__main__.py" if path.is_dir() else path
    if not path.is_file():
        return [f"no script {words[0]}"]
    text = path.read_text()
    options = [word.split("=")[0] for word in words[1:] if word.startswith("--")]
    if path.parent.name == "problems" and path.name == "build.py":
        names = [word for word in words[1:] if not (ROOT / f"problems/{word}.h5").exists()]
        return [f"no problem {name}" for name in names]
    return [f"{words[0]} has no option {option}" for option in options if f'"{option}"' not in text]


def _pip(words: list[str]) -> list[str]:
    wrong = [] if words[0] == "install" else [f"pip {words[0]}"]
    wrong += [f"no file {name}" for name in _after(words, "-c") if not (ROOT / name).exists()]
    extras = PYPROJECT["project"]["optional-dependencies"]
    for word in words[1:]:
        found = re.fullmatch(r"(?:\.|sciml-toolkit)\[([\w,-]+)\]", word)
        wrong += [f"no extra {extra}" for extra in (found[1].split(",") if found else ()) if extra not in extras]
    return wrong


def _after(words: list[str], flag: str) -> list[str]:
    return [words[i + 1] for i, word in enumerate(words[:-1]) if word == flag]


def made_by(words: list[str], text: str) -> set[str]:
    """Names of what a command or a block of Python writes into its folder."""
    made = set(re.findall(r'file\.write\("([\w.-]+)"', text)) | set(re.findall(r'write\("([\w.-]+)"', text))
    if words[:2] == ["sciml", "new"]:
        made.add(Path(words[2]).with_suffix(".h5").name)
    if words[:1] == ["sciml"]:
        made |= {name.rstrip("/") for flag in ("-o", "--output") for name in _after(words, flag) if "=" not in name}
    return made
