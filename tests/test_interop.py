"""Other people's readers open our files without a converter: xarray, The Well, VTK."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import h5py
import numpy as np
import pytest
from test_problem_file import make, reference_of
from test_result_file import result_of

from sciml.files import problem_file, result_file
from sciml.files.result_file import Result

pytestmark = pytest.mark.interop


def needs(*modules: str) -> pytest.MarkDecorator:
    """Skip only what is not installed; all of it is in the `test` extra."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture(params=[0, 1, 2, 3])
def result(request: pytest.FixtureRequest, tmp_path: Path) -> Result:
    result = result_of(make(("u", "v"), request.param))
    result_file.write(tmp_path / "r.h5", result)
    return result


@needs("xarray", "netCDF4", "h5netcdf")
@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf"])
def test_xarray_reads_values_and_coordinates(result: Result, tmp_path: Path, engine: str) -> None:
    import xarray

    with xarray.open_datatree(tmp_path / "r.h5", engine=engine) as tree:
        fields = tree["t0_fields"]
        axes = result.problem.equation.axes or ("point",)
        assert fields["u"].dims == ("sample", "time", *axes)
        assert fields["u"].attrs["ancillary_variables"] == "u_std"
        for name, values in result.solution.values.items():
            assert np.array_equal(fields[name].values.ravel(), values.ravel(), equal_nan=True)
        assert np.array_equal(fields["time"].values, result.problem.grid.times)
        for axis in result.problem.grid.axes:
            assert np.array_equal(fields[axis.name].values, axis.points())


def follows_the_well(file: h5py.File) -> None:
    """The rules of The Well's scripts/check_thewell_formatting.py, which its package does not ship."""
    for name, kind in (
        ("dataset_name", str), ("grid_type", str), ("n_spatial_dims", np.integer), ("n_trajectories", np.integer),
    ):  # fmt: skip
        assert isinstance(file.attrs[name], kind)
    for name in file.attrs["simulation_parameters"]:
        assert name in file.attrs
        assert name in file["scalars"]
    dims = list(file["dimensions"].attrs["spatial_dims"])
    assert len(dims) == file.attrs["n_spatial_dims"]
    sizes = [file["dimensions"][dim].shape[-1] for dim in dims]
    steps = file["dimensions/time"].shape[-1]

    def leading(item: h5py.Dataset | h5py.Group) -> tuple[int, ...]:
        for name in ("sample_varying", "time_varying"):
            assert isinstance(item.attrs[name], np.bool_), f"{item.name} {name}"
        samples = (file.attrs["n_trajectories"],) * bool(item.attrs["sample_varying"])
        return (*samples, *(steps,) * bool(item.attrs["time_varying"]))

    assert file["dimensions/time"].shape == leading(file["dimensions/time"])
    for dim in dims:
        assert file["dimensions"][dim].shape[:-1] == leading(file["dimensions"][dim])
    for order in range(3):
        group = file[f"t{order}_fields"]
        for name in group.attrs["field_names"]:
            varying = group[name].attrs["dim_varying"]
            assert len(varying) == len(dims)
            extent = tuple(size for size, varies in zip(sizes, varying, strict=True) if varies)
            assert group[name].shape == (*leading(group[name]), *extent, *(len(dims),) * order)
    for name in file["scalars"].attrs["field_names"]:
        assert file["scalars"][name].shape == leading(file["scalars"][name])
    for condition in file["boundary_conditions"].values():
        assert condition.attrs["bc_type"] in ("PERIODIC", "WALL", "OPEN")
        along = list(condition.attrs["associated_dims"])
        extent = tuple(size for dim, size in zip(dims, sizes, strict=True) if dim in along)
        assert condition["mask"].shape == (*leading(condition), *extent)


@pytest.mark.parametrize("dim", [0, 1, 2, 3])
def test_files_follow_the_well(tmp_path: Path, dim: int) -> None:
    problem = make(("u", "v"), dim, {"a": 1.0})
    problem_file.write(tmp_path / "without.h5", problem)
    problem_file.write(tmp_path / "with.h5", problem, reference_of(problem))
    result_file.write(tmp_path / "result.h5", result_of(problem))
    for path in tmp_path.glob("*.h5"):
        with h5py.File(path) as file:
            follows_the_well(file)


@needs("the_well")
def test_the_well_loads_samples(result: Result, tmp_path: Path) -> None:
    from the_well.data import WellDataset

    data = WellDataset(path=str(tmp_path), n_steps_input=1, n_steps_output=1)
    assert len(data) == len(result.problem.grid.times) - 1
    names = data.metadata.field_names[0]
    sample = data[1]
    for name, values in result.solution.values.items():
        loaded = sample["input_fields"][0, ..., names.index(name)].numpy()
        assert np.allclose(loaded.ravel(), values[1].ravel(), rtol=1e-6)  # the loader makes float32


@needs("vtk")
def test_vtk_reads_values_in_time(result: Result, tmp_path: Path) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOHDF import vtkHDFReader

    reader = vtkHDFReader()
    reader.SetFileName(str(tmp_path / "r.h5"))
    assert reader.CanReadFile(str(tmp_path / "r.h5"))
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() == len(result.problem.grid.times)
    for step in (0, 3):
        reader.SetStep(step)
        reader.Update()
        image = reader.GetOutput()
        sizes = result.problem.grid.shape[::-1]  # VTK's x is our last axis
        assert image.GetDimensions()[: len(sizes)] == sizes
        for name, values in result.solution.values.items():
            assert np.array_equal(vtk_to_numpy(image.GetPointData().GetArray(name)), values[step].ravel())
