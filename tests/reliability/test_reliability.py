"""Small versions of the measurements in docs/reliability.md, and what the long ones found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from functools import partial
from pathlib import Path

import equation_fuzz
import h5py
import numpy as np
import pytest
from hungry import HUNGRY
from isolation import READ, REFUSED, judged
from small_problems import small_ks
from tiny_learner import family

from sciml import Equation, UsageError
from sciml.dataset.shard import read_shard, write_shard
from sciml.equation import parse
from sciml.files import problem_file, result_file
from sciml.files.atomic import replacing
from sciml.files.regular import MOST_TEXT
from sciml.files.result_file import Result
from sciml.files.spec_file import read_any
from sciml.kinds import kind_of
from sciml.learning.model import read_card
from sciml.report.against import read_old
from sciml.solution import Solution
from sciml.study import read_study

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are forked and watched through /proc")


def test_equations_are_parsed_or_refused() -> None:
    tally = judged(partial(equation_fuzz.judge, 0), range(300))
    assert tally.bad == {} and tally.count == 300
    assert tally.outcomes[READ] > 100 and tally.largest < 50e6


SLOW = [pytest.param(line, marks=pytest.mark.slow) for line in (("disks", "--count", "2"), ("together", "--count", "1"))]


@pytest.mark.parametrize("line", [("files", "--count", "80"), ("kills", "clocks", "--count", "4"), *SLOW])
def test_a_small_measurement_finds_nothing_wrong(line: tuple[str, ...], tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, str(HERE), *line, "--quick"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n| ") == len([word for word in line if word.isalpha()])


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        (["d0 = u + x", *(f"d{i + 1} = d{i}*d{i}" for i in range(30)), "u_t = d30"], "longer than 10000 terms"),
        (["u_t = " + "laplacian(" * 40 + "u*u" + ")" * 40], "longer than 10000 terms"),
        (["d0 = u", *(f"d{i + 1} = sin(d{i})" for i in range(300)), "u_t = d300"], "nested more than 120 deep"),
        (["u_t = u*d_xxxxxxxx(" + "*".join(["sin(u)"] * 8) + ")"], "longer than 10000 terms"),
        (["u_t = 1/d_xx(y)"], "not finite"), (["u_t = u*(d_x(-x))**0.5"], "not finite"), (["u_t = u*sin(4)**0.5"], "not a finite number"),
        (["u_t = u" * 5000], "longer than 4000 characters"), (["q = u"] * 6000, "more than 5000"), (["u_t = a*a*u"], "not finite"),
    ],
)  # fmt: skip
def test_an_equation_of_bounded_size_with_finite_numbers(statements: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        _ = Equation.parse(statements, ["u"], ["x", "y"], {"a": 1e300}).semilinear


def test_a_name_ends_where_its_text_does() -> None:
    with pytest.raises(UsageError, match="cannot be used as a name"):
        Equation.parse(["u_t = 1"], ["u\n"])
    assert parse.MAX_NAMES >= 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    problem_file.write(tmp_path / "p.h5", small_ks())
    return tmp_path / "p.h5"


def _replace(path: Path, place: str, value: object) -> None:
    with h5py.File(path, "r+") as file:
        del file[place]
        file[place] = value


@pytest.mark.parametrize("link", [h5py.ExternalLink("other.h5", "/sciml/times"), h5py.SoftLink("/sciml/initial"), h5py.SoftLink("/sciml/times")])
def test_links_are_refused(path: Path, link: object) -> None:
    with h5py.File(path.with_name("other.h5"), "w") as file:
        file["sciml/times"] = np.array([0.0, 1.0])
    _replace(path, "sciml/times", link)
    with pytest.raises(UsageError, match="'times' is a link"):
        problem_file.read(path)


def test_data_of_other_files_are_refused(path: Path) -> None:
    for kept in ({"external": [("/dev/zero", 0, h5py.h5f.UNLIMITED)]}, None):
        with h5py.File(path, "r+") as file:
            del file["sciml/times"]
            if kept:
                file.create_dataset("sciml/times", (4,), "f8", **kept)
            else:
                layout = h5py.VirtualLayout((4,), "f8")
                layout[:] = h5py.VirtualSource("other.h5", "times", (4,))
                file.create_virtual_dataset("sciml/times", layout)
        with pytest.raises(UsageError, match="kept outside the file"):
            problem_file.read(path)


def test_a_chunk_inflates_to_its_size_and_no_further(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["sciml/times"]
        dataset = file.create_dataset("sciml/times", (64,), "f8", chunks=(64,), compression="gzip")
        dataset.id.write_direct_chunk((0,), zlib.compress(bytes(50_000_000)))
    with pytest.raises(UsageError, match="not of the size"):
        problem_file.read(path)


@pytest.mark.parametrize("shape", [(2**27,), (2**40,), (2**20, 2**8)])
def test_a_shape_without_its_data_is_refused(path: Path, shape: tuple[int, ...]) -> None:
    with h5py.File(path, "r+") as file:
        del file["sciml/times"]
        file.create_dataset("sciml/times", shape, "f8", chunks=tuple(min(n, 1024) for n in shape), compression="gzip")
    with pytest.raises(UsageError, match="data for it|would take|expected float64"):
        problem_file.read(path)


def test_a_small_file_may_not_ask_for_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = 'equation = ["u_t = u_xx"]\nfields = ["u"]\ntimes = [0, 1]\n[[axes]]\nname = "x"\nlower = 0\nupper = 1\nsize = {0}\n[initial]\nu = "x"\n'
    (tmp_path / "large.toml").write_text(spec.format(2**26))
    with pytest.raises(UsageError, match="would take .* SCIML_FILE_MEMORY"):
        read_any(tmp_path / "large.toml")
    (tmp_path / "small.toml").write_text(spec.format(64))
    assert read_any(tmp_path / "small.toml").grid.shape == (64,)
    (tmp_path / "small.toml").write_text(spec.format(100_000))
    monkeypatch.setenv("SCIML_FILE_MEMORY", "10")
    with pytest.raises(UsageError, match="would take"):
        read_any(tmp_path / "small.toml")


@pytest.mark.parametrize("kind", HUNGRY)
def test_what_a_file_asks_for_is_bounded(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sound files, in three sizes: small ones are read, and none takes more than it may."""
    base, sizes = 2**25, [2**15, 2**21, 2**24]
    monkeypatch.setenv("SCIML_FILE_MEMORY", str(base))
    reading, allowed = [], []
    for n in sizes:
        (tmp_path / str(n)).mkdir()
        reading.append(HUNGRY[kind](tmp_path / str(n), n))
        allowed.append(base + 100 * max(path.stat().st_size for path in (tmp_path / str(n)).iterdir()))

    def judge(index: int) -> str:
        try:
            reading[index]()
        except UsageError:
            return REFUSED
        return READ

    for index, most in enumerate(allowed):
        tally = judged(judge, range(index, index + 1), memory=2**32)
        word = REFUSED if kind in ("times", "drawn") else READ  # which small ones are refused for what they hold
        assert tally.bad == {} and (index > 0 or tally.outcomes[word])
        assert tally.largest < most + 20e6  # libraries that are loaded


def test_a_dataset_where_a_group_belongs_is_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["sciml"]
        file.create_dataset("sciml", (2**40,), "f8", chunks=(1024,))
        file["sciml"].attrs["schema"] = 1
    with pytest.raises(UsageError, match="/sciml is not a group"):
        problem_file.read(path)


@pytest.mark.parametrize("read", [problem_file.read, read_any, read_study, read_old, read_card])
def test_pipes_devices_and_loops_are_refused(read, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    for name, says in (("pipe", "a device or a pipe"), ("zeros", "a device or a pipe"), ("loop", "cannot be read|no such"), (".", "folder"), ("n" * 300, "cannot be read|no such"), ("a\0b", "cannot be read|no such")):
        with pytest.raises(UsageError, match=says):
            read(tmp_path / name)


def test_a_specification_has_a_sane_length(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_bytes(b"#" * (MOST_TEXT + 1))
    for read in (read_any, read_study):
        with pytest.raises(UsageError, match="too large"):
            read(tmp_path / "long.toml")
    (tmp_path / "deep.toml").write_text("x = " + "[" * 3000)
    for read in (read_any, read_study):
        with pytest.raises(UsageError, match="TOML"):
            read(tmp_path / "deep.toml")


def test_the_leftovers_of_a_killed_writer_are_swept_and_a_living_one_s_stay(tmp_path: Path) -> None:
    path = tmp_path / "file"
    (tmp_path / ".file.1.tmp").write_bytes(b"half")
    (tmp_path / ".file2.1.tmp").write_bytes(b"another file's")
    with replacing(path) as first:
        first.write_bytes(b"one")
        child = os.fork()
        if not child:
            code = 1
            try:
                with replacing(path) as second:
                    second.write_bytes(b"two")
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert path.read_bytes() == b"two" and first.exists()
    assert path.read_bytes() == b"one"
    assert sorted(os.listdir(tmp_path)) == [".file2.1.tmp", "file"]


def test_a_sentence_is_one_line(path: Path) -> None:
    described = small_ks().describe() | {"new\nline\x1b[31m": 1}
    _replace(path, "sciml/problem", np.bytes_(json.dumps(described).encode()))
    with pytest.raises(UsageError, match=r"new line") as caught:
        problem_file.read(path)
    assert str(caught.value).isprintable()


def test_a_result_whose_record_lacks_an_entry_is_told_in_a_sentence(tmp_path: Path) -> None:
    problem = small_ks()
    values = {"u": np.zeros((len(problem.grid.times), *problem.grid.shape))}
    record = Result(problem, Solution(values), "s", "p", "1", {}, 0, "cpu", "float64", {}, {}, {"relative_l2": "x"}, "c")
    result_file.write(tmp_path / "r.h5", record)
    with pytest.raises(UsageError, match="damaged, truncated or incomplete"):
        kind_of(tmp_path / "r.h5").text(tmp_path / "r.h5")


def test_a_shard_without_members_is_refused(tmp_path: Path) -> None:
    heat = family()
    member, shape = heat.draw("test", 0), (1, 6, 16)
    write_shard(tmp_path / "s.hdf5", heat, "test", 0, [member], {"u": np.zeros(shape)}, np.zeros((1, 6)), {})
    with h5py.File(tmp_path / "s.hdf5", "r+") as file:
        about = json.loads(file["sciml/shard"].asstr()[()])
        del file["sciml/shard"]
        file["sciml/shard"] = np.bytes_(json.dumps(about | {"count": 0, "checksums": []}).encode())
    with pytest.raises(UsageError, match="checksums"):
        read_shard(tmp_path / "s.hdf5", heat, "test")


def test_a_model_s_header_is_checked_by_type(tmp_path: Path) -> None:
    shipped = next((HERE.parents[1] / "plugins").glob("*/models/*.safetensors"))
    whole = shipped.read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    card = json.loads(header["__metadata__"]["sciml"]) | {"options": 3}
    header["__metadata__"]["sciml"] = json.dumps(card)
    text = json.dumps(header).encode()
    (tmp_path / "m.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + size :])
    with pytest.raises(UsageError, match=r"not complete or not sound \(options"):
        read_card(tmp_path / "m.safetensors")
