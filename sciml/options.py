"""What a plugin's class declares as its options: pydantic fields, for solvers and executors alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import UsageError, did_you_mean


class Options(BaseModel):
    """Frozen; every field has a description and a default. Built from text or from values, with one sentence for each
    bad one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)

    name: ClassVar[str]
    summary: ClassVar[str] = ""

    @classmethod
    def from_strings(cls, options: Mapping[str, str]) -> Self:
        """Build from `key=value` text. Raises UsageError with one sentence per bad option."""
        cls._known(options)
        try:
            return cls.model_validate_strings(dict(options))
        except ValidationError as error:
            raise UsageError(" ".join(cls._sentence(e) for e in error.errors())) from None

    @classmethod
    def build(cls, **options: Any) -> Self:
        """Build from Python values, with the same sentences for bad ones."""
        cls._known(options)
        try:
            return cls(**options)
        except ValidationError as error:
            raise UsageError(" ".join(cls._sentence(e) for e in error.errors())) from None

    @classmethod
    def _known(cls, options: Mapping[str, Any]) -> None:
        unknown = [key for key in options if key not in cls.model_fields]
        if unknown:
            hint = did_you_mean(unknown[0], cls.model_fields) if cls.model_fields else "; it has none."
            raise UsageError(f"{cls.name} has no option {unknown[0]!r}{hint}")

    @classmethod
    def _sentence(cls, error: Any) -> str:
        where = ".".join(str(part) for part in error["loc"]) or "options"
        message = error["msg"].replace("Input should be", "must be").removeprefix("Value error, ")
        return f"{cls.name}: option {where!r} {message}, not {error['input']!r}."

    def options(self) -> dict[str, Any]:
        """Every option with its value, as plain JSON data."""
        return self.model_dump(mode="json")

    def asked(self) -> dict[str, Any]:
        """Those that were asked for."""
        return {key: value for key, value in self.options().items() if key in self.model_fields_set}

    def changed(self) -> dict[str, Any]:
        """Those that were asked for and are not at their defaults."""
        defaults = type(self)().options()
        return {key: value for key, value in self.asked().items() if value != defaults[key]}
