"""NetCDF files of both versions, against scipy's own unpacking, and its attributes in HDF5."""

import h5py
import numpy as np
import pytest
import scipy.io

from pare.config.errors import PareError
from pare.data.formats.array_files import open_arrays
from pare.data.formats.netcdf import Packing

STORED = np.arange(24).reshape(6, 2, 2)
ATTRIBUTES = {
    "plain": {},
    "packed": {"scale_factor": 0.5, "add_offset": 10.0},
    "scaled": {"scale_factor": np.float32(0.25)},
    "filled": {"_FillValue": 7},
    "marked": {"scale_factor": 2.0, "missing_value": 9},
}


def typed(attributes, dtype):
    """Marks have the type of the numbers."""
    return {
        name: np.dtype(dtype).type(value) if name in ("_FillValue", "missing_value") else value
        for name, value in attributes.items()
    }


def version_3(path, attributes, dtype):
    with scipy.io.netcdf_file(path, "w") as file:
        for name, length in (("time", None), ("y", 2), ("x", 2)):
            file.createDimension(name, length)
        variable = file.createVariable("u", np.dtype(dtype).newbyteorder(">"), ("time", "y", "x"))
        variable[:] = STORED
        for name, value in typed(attributes, dtype).items():
            setattr(variable, name, value)
        file.createVariable("label", "c", ("x",))[:] = b"ab"


def version_4(path, attributes, dtype):
    with h5py.File(path, "w") as file:
        file["u"] = STORED.astype(dtype)
        file["u"].attrs.update(typed(attributes, dtype))


@pytest.mark.parametrize("save", [version_3, version_4])
@pytest.mark.parametrize("dtype", ["i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("attributes", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_numbers_are_unpacked_as_scipy_does(tmp_path, save, dtype, attributes):
    version_3(tmp_path / "reference.nc", attributes, dtype)
    with scipy.io.netcdf_file(tmp_path / "reference.nc", mmap=False, maskandscale=True) as file:
        expected = np.ma.filled(file.variables["u"][:].astype(np.float64), np.nan)
    save(tmp_path / "f.nc", attributes, dtype)
    (array,) = open_arrays(tmp_path / "f.nc").values()
    assert (array.shape, array.dtype) == ((6, 2, 2), array.all().dtype)
    np.testing.assert_allclose(array.all(), expected, rtol=1e-6)
    np.testing.assert_allclose(array.read(1, 3), expected[1:3], rtol=1e-6)


def test_numbers_that_are_not_packed_keep_their_type():
    assert Packing.of({}).dtype(np.dtype(">i2")) == np.dtype("i2")
    assert Packing.of({"_FillValue": np.float32(1e20)}).dtype(np.dtype("f4")) == np.dtype("f4")
    assert Packing.of({"_FillValue": np.int16(-1)}).dtype(np.dtype("i2")) == np.dtype("f8")


def test_a_mark_that_the_type_cannot_hold_marks_nothing():
    values = np.arange(256).astype(np.uint8)
    np.testing.assert_array_equal(Packing.of({"missing_value": -9999.0}).unpacked(values), values)


def test_both_marks_and_each_of_several_are_missing():
    packing = Packing.of({"_FillValue": np.int16(7), "missing_value": np.array([8, 9], np.int16), "scale_factor": 2.0})
    np.testing.assert_array_equal(packing.unpacked(np.arange(6, 11, dtype=np.int16)), [12, *[np.nan] * 3, 20])


@pytest.mark.parametrize("said", [b"true", "true"])
def test_whole_numbers_may_be_meant_without_their_sign(said):
    packing = Packing.of({"_Unsigned": said, "_FillValue": np.int8(-1), "scale_factor": 0.5})
    values = np.array([1, -56, -1], ">i1")
    assert packing.dtype(values.dtype) == np.float64
    np.testing.assert_array_equal(packing.unpacked(values), [0.5, 100, np.nan])


def test_a_mark_of_nan_is_none():
    assert Packing.of({"_FillValue": np.nan}) == Packing()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mark", [1e20, -999.9])
def test_a_mark_of_real_numbers_is_missing_also_where_it_is_wider(dtype, mark):
    values = np.array([1.0, mark, 3.0], np.float32)
    np.testing.assert_array_equal(Packing.of({"_FillValue": dtype(mark)}).unpacked(values), [1, np.nan, 3])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("version", [3, 4])
def test_places_that_nobody_wrote_are_missing(tmp_path, dtype, version):
    fill = np.dtype(dtype).type(9.9692099683868690e36)  # NC_FILL_FLOAT and NC_FILL_DOUBLE of netcdf.h
    values = np.array([1.0, fill, 3.0], dtype)
    if version == 3:
        with scipy.io.netcdf_file(tmp_path / "f.nc", "w") as file:
            file.createDimension("time", 3)
            file.createVariable("u", dtype, ("time",))[:] = values
    else:
        with h5py.File(tmp_path / "f.nc", "w") as file:
            file.create_dataset("u", data=values, fillvalue=fill)
            file["measured"] = values  # by whatever library
        np.testing.assert_array_equal(open_arrays(tmp_path / "f.nc")["measured"].all(), values)
    found = open_arrays(tmp_path / "f.nc")["u"]
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found.all(), [1, np.nan, 3])


@pytest.mark.parametrize("save", [version_3, version_4])
@pytest.mark.parametrize("limits", [{"valid_range": [3, 20]}, {"valid_min": 3, "valid_max": 20}])
def test_numbers_out_of_the_valid_range_are_missing(tmp_path, save, limits):
    limits = {name: np.array(value, "i2") for name, value in limits.items()}
    save(tmp_path / "f.nc", {"scale_factor": 0.5, **limits}, "i2")
    (array,) = open_arrays(tmp_path / "f.nc").values()
    expected = np.where((STORED >= 3) & (STORED <= 20), STORED * 0.5, np.nan)  # CF 1.11, section 2.5.1
    np.testing.assert_array_equal(array.all(), expected)


@pytest.mark.parametrize("save", [version_3, version_4])
@pytest.mark.parametrize("name", ["scale_factor", "add_offset"])
def test_a_factor_for_each_channel_is_refused_where_it_is_read(tmp_path, save, name):
    save(tmp_path / "f.nc", {name: np.array([0.5, 2.0])}, "i2")
    (array,) = open_arrays(tmp_path / "f.nc").values()
    with pytest.raises(PareError, match=f"f.nc: u has several numbers in its attribute {name}"):
        array.read(0, 1)


@pytest.mark.parametrize(("dtype", "fill"), [("i2", -32767), ("i4", -2147483647)])  # NC_FILL_SHORT and NC_FILL_INT
@pytest.mark.parametrize("version", [3, 4])
def test_whole_numbers_that_nobody_wrote_are_refused(tmp_path, dtype, fill, version):
    values = np.array([1, 5, fill, 3], dtype)
    if version == 3:
        with scipy.io.netcdf_file(tmp_path / "f.nc", "w") as file:
            file.createDimension("time", 4)
            file.createVariable("u", dtype, ("time",))[:] = values
    else:
        with h5py.File(tmp_path / "f.nc", "w") as file:
            file.create_dataset("u", data=values, fillvalue=fill)
    found = open_arrays(tmp_path / "f.nc")["u"]
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found.read(0, 2), values[:2])
    with pytest.raises(PareError, match=f"f.nc: u holds {fill}, .* nobody has written"):
        found.all()


@pytest.mark.parametrize("save", [version_3, version_4])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5])
def test_a_file_cut_short_is_named(tmp_path, save, kept):
    path = tmp_path / "f.nc"
    save(path, {}, "f4")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(PareError, match=r"f\.nc .*damaged or cut short"):
        open_arrays(path)["u"].all()
