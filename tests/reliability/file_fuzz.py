"""Damaged, foreign and hostile files, and what must come of each: it is read, or refused in one sentence."""

from __future__ import annotations

import json
import os
import random
import shutil
import warnings
from pathlib import Path

from byte_damage import damaged
from hdf5_damage import damage
from isolation import READ, REFUSED, made
from value_damage import as_json, changed

from sciml.dataset.foreign import read_foreign
from sciml.dataset.shard import read_shard
from sciml.errors import ScimlError
from sciml.family import Family
from sciml.files import problem_file, result_file
from sciml.files.spec_file import read_any
from sciml.kinds import kind_of
from sciml.learning.model import Model
from sciml.report.against import changes, read_old
from sciml.study import read_study

SPECIAL = (
    "pipe", "folder", "device", "zeros", "loop", "dangling", "empty", "sparse", "socket", "sparse of ours", "long name", "null",
)  # fmt: skip


class Corpus:
    """Sound files to damage, and the folder the damaged one is written to."""

    def __init__(self, paths: list[Path], room: Path, seed: int) -> None:
        self.paths, self.room, self.seed = paths, room, seed
        self.contents = [path.read_bytes() for path in paths]
        own = [i for i, path in enumerate(paths) if not path.name.startswith("shipped-")]
        self.order = [*own, *own, *range(len(paths))]  # small ones, of every kind, more often
        self.report = next(json.loads(c) for p, c in zip(paths, self.contents, strict=True) if p.name == "report.json")
        self.family: Family = next(kind_of(p).read(p) for p in paths if p.name == "heat.h5")

    def input(self, index: int) -> tuple[Path, str]:
        """Write the input of that number; where it is, and what was done to what."""
        rng = random.Random(f"file {self.seed} {index}")
        shutil.rmtree(self.room, ignore_errors=True)
        self.room.mkdir(parents=True)
        number = rng.choice(self.order)
        source, whole = self.paths[number], self.contents[number]
        path = self.room / f"input{source.suffix}"
        if index % 200 == 199:
            return self._special(rng, source)
        if rng.random() < 0.45:
            path.write_bytes(damaged(rng, whole, self.contents[rng.randrange(len(self.contents))]))
            return path, f"bytes of {source.name}"
        if source.suffix in (".h5", ".hdf5"):
            path.write_bytes(whole)
            return path, f"{damage(rng, path)} in {source.name}"
        if source.suffix == ".json":
            path.write_text(as_json(rng, changed(rng, self.report)))
        elif source.suffix == ".safetensors":
            path.write_bytes(_header_changed(rng, whole))
        else:
            path.write_text(_text_changed(rng, whole.decode()), encoding="utf-8", errors="surrogateescape")
        return path, f"values of {source.name}"

    def _special(self, rng: random.Random, source: Path) -> tuple[Path, str]:
        kind, path = rng.choice(SPECIAL), self.room / f"input{source.suffix}"
        match kind:
            case "pipe":
                os.mkfifo(path)
            case "folder":
                path.mkdir()
            case "device" | "zeros":
                path.symlink_to("/dev/zero" if kind == "zeros" else "/dev/tty")
            case "loop":
                path.symlink_to(path)
            case "dangling":
                path.symlink_to(self.room / "nothing")
            case "empty":
                path.touch()
            case "sparse" | "sparse of ours":
                path.write_bytes(source.read_bytes() if kind == "sparse of ours" else b"")
                os.truncate(path, 2**36)
            case "socket":
                import socket

                with socket.socket(socket.AF_UNIX) as end:
                    end.bind(str(path))
            case "long name":
                path = self.room / ("n" * 300 + source.suffix)
            case "null":
                path = self.room / f"a\x00b{source.suffix}"
        return path, f"{kind} as {source.suffix}"


def _header_changed(rng: random.Random, whole: bytes) -> bytes:
    """Of a model file: its header, with a length that fits or one that does not."""
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    if rng.random() < 0.6:
        card = json.loads(header["__metadata__"]["sciml"])
        header["__metadata__"]["sciml"] = as_json(rng, changed(rng, card))
    else:
        header = changed(rng, header)
    text = as_json(rng, header).encode()
    length = len(text) if rng.random() < 0.9 else rng.choice((0, 2**63, len(whole), 10**8))
    return length.to_bytes(8, "little") + text + whole[8 + size :]


def _text_changed(rng: random.Random, text: str) -> str:
    """Of a specification: lines, values, and what makes parsers slow."""
    lines = text.splitlines()
    at = rng.randrange(len(lines))
    key = lines[at].partition("=")[0]
    values = ("[]", "{}", "true", "1e999", "nan", "9" * 400, '"u_t = u"', "1979-05-27", '["u_t = ' + "u*" * 900 + 'u"]', '"' + "a" * 9000 + '"',
              "[" * 3000 + "]" * 3000, "{a=" * 2000 + "1" + "}" * 2000, "134217728", "4", "-4", '"2**2**2**2"', '"exp(exp(9))"')  # fmt: skip
    match rng.randrange(7):
        case 0:
            del lines[at]
        case 1 | 2:
            lines[at] = f"{key}= {rng.choice(values)}"
        case 3:
            lines.insert(at, rng.choice(lines))
        case 4:
            lines.insert(at, rng.choice(("[axes]", "[[axes]]", "[splits.test]", 'splits = 3', "a.b.c = 1", "\ufeff", "x = '''")))
        case 5:
            lines[at] = lines[at].replace(rng.choice("0123456789uxt=\"[]"), rng.choice(("", "(", "9999999", "\x00", "é")))
        case 6:
            lines += [f'k{i} = "v"' for i in range(rng.choice((10, 10, 2000)))]
    return "\n".join(lines)


def judge(corpus: Corpus, index: int) -> str:
    path, _ = corpus.input(index)
    made()
    word = REFUSED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, of overflowing sums; what matters is what is said in the end
        for read in readers(corpus, path, random.Random(index)):
            try:
                read()
                word = READ
            except ScimlError as error:
                said = str(error)
                assert said.strip() and "\n" not in said and len(said) < 20_000, f"said {said[:60]!r}"
    return word


def readers(corpus: Corpus, path: Path, rng: random.Random) -> list:
    """Those that would take such a file; of HDF5, what `sciml validate` does and another one."""
    match path.suffix:
        case ".json":
            return [lambda: changes(read_old(path), corpus.report)]
        case ".toml":
            return [lambda: read_any(path), lambda: read_study(path)]
        case ".safetensors":
            return [lambda: _model(path)]
    others = (
        lambda: kind_of(path).text(path), lambda: json.dumps(kind_of(path).data(path)), lambda: problem_file.read(path).content_hash,
        lambda: read_shard(path, corpus.family, "test"), lambda: read_foreign(path), lambda: result_file.read(path),
    )  # fmt: skip
    return [lambda: kind_of(path).check(path), rng.choice(others)]


def _model(path: Path) -> None:
    model = Model.read(path)
    assert model.hash and model.seen is not None
    assert model.family.draw("test", 0).content_hash
