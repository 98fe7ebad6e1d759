"""What the Markdown pages print: commands, Python, files. Pages are README.md, docs/ and the plugins' READMEs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if "examples" not in page.parts),  # packages of their own
    *sorted((ROOT / "plugins").glob("*/README.md")),
]
PROGRAMS = (
    "sciml", "python", "pip", "pytest", "ruff", "mypy", "lint-imports", "mkdocs", "torchrun", "eval", "pre-commit",
)  # fmt: skip
ASSIGNMENT = re.compile(r"^[A-Z_]+=\S*$")
NAMED = re.compile(r"`([\w-]+\.(?:toml|py))`[^`]*:\s*$")  # a file that the next block is


@dataclass(frozen=True)
class Block:
    """`language` is sh, python, toml, or text; `file` its name where the text before it gives one."""

    page: Path
    line: int
    language: str
    text: str
    file: str = ""

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One command line, continuation lines joined, comments gone; `inline` if it stands in a sentence."""

    page: Path
    line: int
    text: str
    inline: bool = False

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def words(self) -> list[str]:
        """Without assignments to the environment; `{a,b}` multiplied out."""
        words = [word for part in shlex.split(self.text, comments=True) for word in braces(part)]
        while words and ASSIGNMENT.match(words[0]):
            words.pop(0)
        return words


def braces(word: str) -> list[str]:
    """As bash multiplies out `a{b,c}d`."""
    found = re.search(r"\{([^{}]*,[^{}]*)\}", word)
    if not found:
        return [word]
    return [w for middle in found[1].split(",") for w in braces(word[: found.start()] + middle + word[found.end() :])]


def blocks(page: Path) -> Iterator[Block]:
    """Fenced blocks, and indented ones (four spaces after an empty line) that are not part of a list."""
    lines = page.read_text().splitlines()
    i, before = 0, ""
    while i < len(lines):
        line = lines[i]
        if fence := re.match(r"^```(\w*)", line):
            end = next(j for j in range(i + 1, len(lines)) if lines[j].startswith("```"))
            text = "\n".join(lines[i + 1 : end]) + "\n"
            named = NAMED.search(before) or re.match(r"# ([\w-]+\.toml)\n", text)
            yield Block(page, i + 2, fence[1] or "text", text, named[1] if named else "")
            i = end + 1
            continue
        if line.startswith("    ") and (i == 0 or not lines[i - 1].strip()) and not before.lstrip().startswith(("- ", ":::")):
            end = next((j for j in range(i, len(lines)) if not lines[j].startswith("    ")), len(lines))
            text = "\n".join(part[4:] for part in lines[i:end]) + "\n"
            yield Block(page, i + 1, "sh" if is_command(text) else "text", text)
            i = end
            continue
        before = line if line.strip() else before
        i += 1


def is_command(text: str) -> bool:
    words = text.split()
    while words and ASSIGNMENT.match(words[0]):
        words.pop(0)
    return bool(words) and words[0] in PROGRAMS


def commands_of(block: Block) -> Iterator[Command]:
    """The command lines of a block of sh; `a && b` is two."""
    joined, start = "", block.line
    for i, line in enumerate(block.text.splitlines()):
        if not joined:
            start = block.line + i
        joined += line.strip().removesuffix("\\")
        if line.rstrip().endswith("\\"):
            continue
        for part in joined.split("&&"):
            if part.strip() and not part.strip().startswith("#"):
                yield Command(block.page, start, part.strip())
        joined = ""


def inline_commands(page: Path) -> Iterator[Command]:
    """Commands in backticks inside sentences and tables, outside blocks."""
    text = page.read_text()
    for part in (*re.finditer(r"(?ms)^```.*?^```", text), *re.finditer(r"(?m)^    .*$", text)):
        text = text[: part.start()] + re.sub(r"[^\n]", " ", part[0]) + text[part.end() :]
    for found in re.finditer(r"`([^`]+)`", text):
        body = " ".join(found[1].split())
        if is_command(body) and " " in body:
            yield Command(page, text[: found.start()].count("\n") + 1, body, inline=True)
