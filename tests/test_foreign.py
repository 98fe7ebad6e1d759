"""Files of The Well and of PDEBench become splits of a family; what does not fit is refused in a sentence."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from tiny_learner import family as heat

from sciml import UsageError
from sciml.dataset import make
from sciml.dataset.apart import import_apart
from sciml.dataset.dataset import folder
from sciml.dataset.foreign import import_file, read_foreign
from sciml.family import Family

SPLIT = {"count": 3, "end": 1.0, "times": 5}


def burgers(**changes) -> Family:
    return Family.parse({
        "name": "burgers-files", "equation": ["u_t = -u*u_x + nu*u_xx"], "fields": ["u"], "parameters": {"nu": 0.01},
        "axes": [{"name": "x", "lower": 0.0, "upper": 1.0, "size": 8}],
        "splits": {s: {"seed": i, **SPLIT} for i, s in enumerate(("train", "valid", "test"))}, "maker": {"solver": "file"},
    } | changes)  # fmt: skip


@pytest.fixture
def tensor_file(tmp_path):
    """PDEBench's layout of 1-D sets: one more entry of time than there are times, cell centres."""
    values = np.random.default_rng(0).normal(size=(4, 5, 8)).astype(np.float32)
    with h5py.File(tmp_path / "1D_Burgers.hdf5", "w") as file:
        file["tensor"] = values
        file["t-coordinate"] = np.linspace(0, 1.25, 6, dtype=np.float32)
        file["x-coordinate"] = (np.arange(8, dtype=np.float32) + 0.5) / 8
    return tmp_path / "1D_Burgers.hdf5", values


def test_a_pdebench_tensor_becomes_a_split(tensor_file, tmp_path):
    path, values = tensor_file
    data = import_file(path, burgers(), "train", tmp_path / "data")
    np.testing.assert_array_equal(data.values["u"], values[:3].astype(np.float64))
    np.testing.assert_array_equal(data.problem(2).initial()[0], values[2, 0])
    assert data.problem(2).equation.parameters == {"nu": 0.01}
    assert data.about["origin"]["file"] == path.name and len(data.about["origin"]["sha256"]) == 64
    assert np.isnan(data.error).all()
    assert make(burgers(), "train", tmp_path / "data").hash == data.hash  # from then on it is there


def test_pdebench_groups_and_channels(tmp_path):
    values = np.random.default_rng(1).normal(size=(3, 5, 8, 2)).astype(np.float32)
    with h5py.File(tmp_path / "rd.h5", "w") as file:
        for i in range(3):
            file[f"{i:04d}/data"] = values[i]
            file[f"{i:04d}/grid/t"] = np.linspace(0, 1, 5, dtype=np.float32)
            file[f"{i:04d}/grid/x"] = np.arange(8, dtype=np.float32) / 8
    pair = burgers(equation=["u_t = nu*u_xx", "v_t = nu*v_xx"], fields=["u", "v"])
    data = import_file(tmp_path / "rd.h5", pair, "test", tmp_path / "data", {"u": "channel1", "v": "channel0"})
    np.testing.assert_array_equal(data.values["u"], values[..., 1])
    with pytest.raises(UsageError, match="--field u=NAME"):
        import_file(tmp_path / "rd.h5", pair, "test", tmp_path / "data")


def test_a_file_in_the_wells_layout(tmp_path):
    made = make(heat(random={
        "A": {"law": "normal", "count": 3}, "phi": {"law": "normal", "count": 3},
        "m": {"law": "choice", "values": [1], "count": 3}, "L": {"law": "uniform", "lower": 1.0, "upper": 1.0},
    }), "test", tmp_path / "made")  # fmt: skip
    path = next(folder(tmp_path / "made", made.family, "test").glob("*.hdf5"))
    files = burgers(
        equation=["u_t = d*u_xx"], parameters={"d": 0.1}, axes=[{"name": "x", "lower": 0.0, "upper": 1.0, "size": 16}],
        splits={s: {"seed": i, "count": 4, "end": 0.5, "times": 6} for i, s in enumerate(("train", "valid", "test"))},
    )  # fmt: skip
    data = import_file(path, files, "test", tmp_path / "data")
    np.testing.assert_array_equal(data.values["u"], made.values["u"])


@pytest.mark.parametrize(("change", "sentence"), [
    ({"axes": [{"name": "x", "lower": 0.0, "upper": 1.0, "size": 16}]}, "have shape"),
    ({"axes": [{"name": "x", "lower": 0.0, "upper": 2.0, "size": 8}]}, "coordinate x is not 8 points with steps of 0.25"),
    ({"splits": {s: {"seed": i, "count": 3, "end": 2.0, "times": 5} for i, s in enumerate(("train", "valid", "test"))}},
     "times"),
    ({"splits": {s: {"seed": i, "count": 9, "end": 1.0, "times": 5} for i, s in enumerate(("train", "valid", "test"))}},
     "has 4 members"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(tensor_file, tmp_path, change, sentence):
    with pytest.raises(UsageError, match=sentence):
        import_file(tensor_file[0], burgers(**change), "train", tmp_path / "data")


def test_other_files_are_refused(tmp_path, tensor_file):
    with h5py.File(tmp_path / "no.h5", "w") as file:
        file["a"] = 1.0
    with pytest.raises(UsageError, match="neither a file of The Well nor of PDEBench"):
        read_foreign(tmp_path / "no.h5")
    with pytest.raises(UsageError, match="are made by etdrk4"):
        import_file(tensor_file[0], heat(), "train", tmp_path / "data")
    with h5py.File(tensor_file[0], "r+") as file:
        file["tensor"][0, 0, 0] = np.nan
    with pytest.raises(UsageError, match="NaN or infinity"):
        read_foreign(tensor_file[0])
    with pytest.raises(UsageError, match="0 of 3 members are there"):
        make(burgers(), "train", tmp_path / "empty")


def in_the_wells_layout(path):
    with h5py.File(path, "w") as file:
        file.create_group("t0_fields")["u"] = np.zeros((4, 5, 8))
        kept = file.create_group("dimensions")
        kept["time"], kept["x"] = np.linspace(0, 1, 5), np.arange(8) / 8
        kept.attrs["spatial_dims"] = np.array(["x"], dtype=h5py.string_dtype())
    return path


def test_a_file_at_which_hdf5_never_ends_is_refused(tmp_path):
    """In the heap of variable-length texts an entry claims 2^64 - 16 bytes: with its head that is 0, and HDF5 2.0.0 goes
    on looking at the same place."""
    path = in_the_wells_layout(tmp_path / "well.hdf5")
    data = import_apart(path, burgers(), "train", tmp_path / "data")
    np.testing.assert_array_equal(data.values["u"], np.zeros((3, 5, 8)))
    whole = bytearray(path.read_bytes())
    entry = whole.index(b"GCOL") + 16  # 2 bytes index, 2 references, 4 reserved, 8 size
    whole[entry + 8 : entry + 16] = (2**64 - 16).to_bytes(8, "little")
    path.write_bytes(whole)
    with pytest.raises(UsageError, match=r"damaged"):
        import_apart(path, burgers(), "valid", tmp_path / "data", patience=5.0)
    assert not folder(tmp_path / "data", burgers(), "valid").exists()


def test_what_another_process_says_is_said_here(tensor_file, tmp_path):
    with pytest.raises(UsageError, match="are made by etdrk4"):
        import_apart(tensor_file[0], heat(), "train", tmp_path / "data")
    with pytest.raises(UsageError, match="no such file"):
        import_apart(tmp_path / "nothing.h5", burgers(), "train", tmp_path / "data")
