"""Problem files: round trips, isolation of the reference, other people's readers, and every kind of bad file."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_problems import small_ks, small_ode, small_plane

from sciml import Axis, Equation, Grid, Problem
from sciml.errors import RunFailed, ScimlError, UsageError
from sciml.files import problem_file
from sciml.files.spec_file import read_spec
from sciml.reference.values import Reference, read_reference

PROBLEMS = [small_ks, small_ode, small_plane]


def reference(problem: Problem) -> Reference:
    rng = np.random.default_rng(1)
    values = {n: rng.normal(size=(len(problem.grid.times), *problem.grid.shape)) for n in problem.equation.fields}
    error = dict.fromkeys(values, 1e-10)
    return Reference(values, error, {n: np.full(len(problem.grid.times), 1e-10) for n in values}, "made up", {"a": 1e-10})


@pytest.mark.parametrize("make", PROBLEMS)
def test_round_trip_and_same_bytes(tmp_path: Path, make) -> None:
    problem, known = make(), reference(make())
    for name in ("a.h5", "b.h5"):
        problem_file.write(tmp_path / name, problem, known)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    found = problem_file.read(tmp_path / "a.h5")
    assert found.content_hash == problem.content_hash
    assert found.describe() == problem.describe()
    back = read_reference(tmp_path / "a.h5", found)
    assert back is not None
    assert all(np.array_equal(back.values[n], known.values[n]) for n in known.values)


@settings(max_examples=25, deadline=None)
@given(
    lower=st.floats(-1e3, 1e3), length=st.floats(1e-3, 1e3), size=st.integers(4, 40),
    value=st.floats(-1e6, 1e6), times=st.lists(st.floats(0, 1e3), min_size=2, max_size=5, unique=True),
)  # fmt: skip
def test_any_problem_survives_the_file(tmp_path_factory, lower, length, size, value, times) -> None:
    equation = Equation.parse(["u_t = a*u_xx"], ["u"], ["x"], {"a": value})
    initial = {"u": np.random.default_rng(size).normal(size=size)}
    problem = Problem("any", equation, Grid((Axis("x", lower, lower + length, size),), np.sort(times)), initial)
    path = tmp_path_factory.mktemp("any") / "p.h5"
    problem_file.write(path, problem)
    found = problem_file.read(path)
    assert found.content_hash == problem.content_hash
    assert np.array_equal(found.initial(), problem.initial())


def test_the_reader_never_opens_the_reference(tmp_path: Path) -> None:
    path = tmp_path / "p.h5"
    problem_file.write(path, small_ks(), reference(small_ks()))
    with h5py.File(path, "a") as file:
        del file["t0_fields/u"]
        del file["sciml/reference/about"]
    assert problem_file.read(path).name == "small-ks"
    with pytest.raises(UsageError):
        read_reference(path, small_ks())


@pytest.mark.interop
@pytest.mark.parametrize("make", PROBLEMS)
def test_other_readers_see_the_same_numbers(tmp_path: Path, make) -> None:
    xarray = pytest.importorskip("xarray")
    problem, known = make(), reference(make())
    path = tmp_path / "p.h5"
    problem_file.write(path, problem, known)
    name = problem.equation.fields[0]
    for engine in ("netcdf4", "h5netcdf"):
        with xarray.open_dataset(path, engine=engine, group="t0_fields") as data:
            assert np.array_equal(data[name].values.ravel(), known.values[name].ravel())
        with xarray.open_dataset(path, engine=engine) as root:
            assert np.array_equal(root["time"].values, problem.grid.times)
    well = pytest.importorskip("the_well.data")
    data = well.WellDataset(path=str(tmp_path), n_steps_input=1, n_steps_output=1, use_normalization=False)
    assert np.allclose(data[0]["input_fields"][0, ..., 0].ravel(), known.values[name][0].ravel(), atol=1e-6)
    hdf, support = pytest.importorskip("vtkmodules.vtkIOHDF"), pytest.importorskip("vtkmodules.util.numpy_support")
    reader = hdf.vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    reader.SetStep(1)
    reader.Update()
    array = support.vtk_to_numpy(reader.GetOutput().GetPointData().GetArray(name))
    assert np.array_equal(array, known.values[name][1].ravel())


def _edit(path: Path, **changes: object) -> None:
    with h5py.File(path, "a") as file:
        data = json.loads(file["sciml/problem"].asstr()[()]) | changes
        del file["sciml/problem"]
        file["sciml"].create_dataset("problem", data=np.bytes_(json.dumps(data).encode()))


def _replace(path: Path, name: str, data: object) -> None:
    with h5py.File(path, "a") as file:
        del file[name]
        file.create_dataset(name, data=np.bytes_(data.encode()) if isinstance(data, str) else data)


BAD = {
    "not HDF5": (lambda p: p.write_bytes(b"hello"), "not an HDF5 file"),
    "empty": (lambda p: p.write_bytes(b""), "not an HDF5 file"),
    "truncated": (lambda p: p.write_bytes(p.read_bytes()[:3000]), "damaged, truncated"),
    "newer": (lambda p: h5py.File(p, "a")["sciml"].attrs.modify("schema", 99), "upgrade sciml-toolkit"),
    "foreign": (lambda p: h5py.File(p, "a").__delitem__("sciml"), "no /sciml group"),
    "json": (lambda p: _replace(p, "sciml/problem", "{"), "not valid JSON"),
    "list": (lambda p: _replace(p, "sciml/problem", "[]"), "not a JSON object"),
    "types": (lambda p: _edit(p, parameters={"a": "many"}), "parameters.a"),
    "unknown key": (lambda p: _edit(p, colour="red"), "colour"),
    "nan times": (lambda p: _replace(p, "sciml/times", np.array([0.0, np.nan])), "finite"),
    "unsorted": (lambda p: _replace(p, "sciml/times", np.array([0.0, 2.0, 1.0])), "sorted"),
    "integer times": (lambda p: _replace(p, "sciml/times", np.array([0, 1])), "expected float64"),
    "unknown name": (lambda p: _edit(p, equation=["u_t = -b*u*u_x"]), "unknown name 'b'"),
    "attribute": (lambda p: _edit(p, equation=["u_t = u.__class__"]), "'u.__class__' is not allowed"),
    "call": (lambda p: _edit(p, equation=["u_t = open(u)"]), "unknown function 'open'"),
    "power": (lambda p: _edit(p, equation=["u_t = u**99999999"]), "exponent"),
    "tower": (lambda p: _edit(p, equation=["u_t = 9**9**9"]), "exponent"),
    "no rate": (lambda p: _edit(p, equation=["v = u"]), "'u_t = …'"),
    "initial": (lambda p: _edit(p, initial={"u": "1/0*x"}), "finite"),
    "size": (lambda p: _edit(p, axes=[{"name": "x", "lower": 0.0, "upper": 1.0, "size": 10**12}]), "size"),
    "kind": (lambda p: _edit(p, kind="riddle"), "'riddle'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_sentence(ks_file: Path, case: str) -> None:
    spoil, says = BAD[case]
    spoil(ks_file)
    with pytest.raises(UsageError, match=".") as caught:
        problem_file.read(ks_file)
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(ks_file))
    assert "\n" not in str(caught.value)


def test_wrong_shape_and_nan_initial_values(tmp_path: Path) -> None:
    for values, says in ((np.zeros((3, 3)), "shape"), (np.full((16, 8), np.nan), "NaN")):
        path = tmp_path / "p.h5"
        problem_file.write(path, small_plane())
        _replace(path, "sciml/initial/w", values)
        with pytest.raises(UsageError, match=says):
            problem_file.read(path)


def test_flipped_bytes_never_escape_as_tracebacks(ks_file: Path) -> None:
    good, rng = ks_file.read_bytes(), np.random.default_rng(7)
    for position in rng.integers(0, len(good), 150):
        spoilt = bytearray(good)
        spoilt[position] ^= 0xFF
        ks_file.write_bytes(bytes(spoilt))
        try:
            problem_file.read(ks_file)
        except ScimlError:
            pass


def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("may not mount a small disk here")
    try:
        with pytest.raises(RunFailed, match="disk is full"):
            problem_file.write(disk / "p.h5", small_ks(), reference(small_ks()))
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ('fields = ["u"]', "twice"), ('nmae = "x"', "did you mean 'name'"), ("times = 3", "times must be"),
        ("[[", "not valid TOML"),
    ],
)  # fmt: skip
def test_bad_specs(tmp_path: Path, change: str, says: str) -> None:
    path = tmp_path / "s.toml"
    text = (Path(__file__).parent / "specs" / "swift-hohenberg.toml").read_text()
    if change == "times = 3":
        text = text.replace("times = {end = 10, count = 51}", change)
    else:
        text = change + "\n" + text
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_spec(path)
    assert says in str(caught.value) or "TOML" in str(caught.value)
