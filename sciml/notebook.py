"""How problems and results look in a notebook: what `sciml show` prints, and of results the picture of `sciml plot`."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from html import escape
from typing import Any

from .errors import ScimlError

PAGE = '<pre style="white-space: pre-wrap; line-height: 1.35">{}</pre>'
PICTURE = '<img alt="{}" style="max-width: 100%" src="data:image/png;base64,{}">'


def register() -> None:
    """Tell IPython, where it runs. Nothing is imported before the first object is shown."""
    from IPython import get_ipython  # type: ignore[attr-defined, unused-ignore]

    shell = get_ipython()
    if shell is None:
        return
    formatter = shell.display_formatter.formatters["text/html"]
    for module, name, shown in (
        ("sciml.problem", "Problem", _problem), ("sciml.family.family", "Family", _family),
        ("sciml.transport.problem", "Transport", _transport), ("sciml.files.result_file", "Result", _result),
        ("sciml.files.ensemble", "EnsembleResult", _ensemble),
        ("sciml.transport.result", "TransportResult", _transport_result),
    ):  # fmt: skip
        formatter.for_type_by_name(module, name, shown)


def _problem(problem: Any) -> str:
    from .interactive import reference_of
    from .showing.problem import problem_text

    return _html(problem_text(problem, reference_of(problem)))


def _family(family: Any) -> str:
    from .showing.family import family_text

    return _html(family_text(family))


def _transport(problem: Any) -> str:
    from .plotting.transport import draw_problem
    from .showing.transport import transport_text

    return _html(transport_text(problem, None), problem.name, lambda: draw_problem(problem))


def _result(result: Any) -> str:
    from .interactive import reference_of
    from .plotting.problem import draw
    from .showing.problem import result_text

    def drawn() -> bytes:
        return draw(result.problem, result.solution, reference_of(result.problem), result.solver)

    return _html(result_text(result), result.problem.name, drawn)


def _ensemble(result: Any) -> str:
    from .plotting.family import draw_family
    from .showing.family import ensemble_text

    return _html(ensemble_text(result), result.family.name, lambda: draw_family(result))


def _transport_result(result: Any) -> str:
    from .plotting.transport import draw_result
    from .showing.transport import result_text

    return _html(result_text(result), result.problem.name, lambda: draw_result(result))


def _html(text: str, name: str = "", picture: Callable[[], bytes] | None = None) -> str:
    """Where there is nothing that can be drawn, its sentence stands in the picture's place."""
    page = PAGE.format(escape(text))
    if picture is None:
        return page
    try:
        return page + PICTURE.format(escape(name, quote=True), b64encode(picture()).decode())
    except ScimlError as error:
        return page + PAGE.format(escape(f"no picture: {error}"))
