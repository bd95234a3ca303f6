"""Variables of MATLAB files, against scipy, and against the layout that MATLAB documents for version 7.3."""

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from pare.config.errors import PareError
from pare.data.formats import memory
from pare.data.formats.array_files import open_arrays
from pare.data.formats.matlab import write_mat73

FIELDS = np.arange(24.0).reshape(6, 2, 2)
CLASSES = ["cat", "dog", "cat", "emu", "dog", "cat"]


def cell(values):
    """A column of MATLAB's cells."""
    column = np.empty((len(values), 1), object)
    column[:, 0] = values
    return column


def old(path, variables):
    scipy.io.savemat(path, variables, do_compression=True)


def written(file, name, values, kind):
    """An array as MATLAB writes it to HDF5: axes in reverse order, truth and characters as whole numbers."""
    data = file.create_dataset(name, data=np.asarray(values).T)
    data.attrs["MATLAB_class"] = np.bytes_(kind)
    return data


def new(path, variables):
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in ((name, np.atleast_2d(values)) for name, values in variables.items()):
            if values.dtype == object:
                places = [written(file, f"#refs#/{name}{i}", *stored(one)).ref for i, one in enumerate(values.flat)]
                data = file.create_dataset(name, (values.shape[::-1]), dtype=h5py.ref_dtype)
                data[...] = np.array(places, dtype=h5py.ref_dtype).reshape(values.shape).T
                data.attrs["MATLAB_class"] = np.bytes_("cell")
            else:
                written(file, name, *stored(values))


def stored(values):
    """Numbers, and MATLAB's name of their type."""
    values = np.asarray(values)
    if values.dtype.kind == "U":
        rows = np.atleast_1d(values).reshape(-1)
        width = max(map(len, rows))
        return np.array([[ord(letter) for letter in row.ljust(width)] for row in rows], np.uint16), "char"
    if values.dtype == bool:
        return values.astype(np.uint8), "logical"
    return values, {"f8": "double", "f4": "single"}.get(values.dtype.str[1:], values.dtype.name)


@pytest.fixture(params=[old, new])
def save(request, tmp_path):
    def save(**variables):
        request.param(tmp_path / "f.mat", variables)
        return open_arrays(tmp_path / "f.mat")

    return save


@pytest.mark.parametrize(
    "values",
    [FIELDS, FIELDS.astype(np.float32), FIELDS.astype(np.int16), FIELDS.astype(np.uint8), FIELDS > 3, FIELDS[:, :, 0]],
)
def test_numbers_have_the_axes_and_the_type_of_matlab(save, values):
    array = save(x=values)["x"]
    assert (array.shape, array.dtype) == (values.shape, values.dtype)
    np.testing.assert_array_equal(array.all(), values)
    np.testing.assert_array_equal(array.read(1, 3), values[1:3])
    assert array.read(1, 3).dtype == values.dtype


def test_text_is_read_from_cells_and_from_rows_of_characters(save):
    arrays = save(cells=cell(CLASSES), rows=np.array(["cat", "horse", "ox"]))
    assert arrays["cells"].is_text and arrays["rows"].is_text
    assert arrays["cells"].all().reshape(-1).tolist() == CLASSES
    assert arrays["rows"].all().reshape(-1).tolist() == ["cat", "horse", "ox"]


def test_vectors_as_long_as_another_array_has_rows_have_one_axis(save):
    numbers = np.arange(6.0)
    arrays = save(x=FIELDS, row=numbers[None], column=numbers[:, None], alone=numbers[None, :5], one=np.array([[3.0]]))
    assert {name: array.shape for name, array in arrays.items()} == {
        "x": (6, 2, 2),
        "row": (6,),
        "column": (6,),
        "alone": (1, 5),
        "one": (1, 1),
    }
    for name in ("row", "column"):
        np.testing.assert_array_equal(arrays[name].read(2, 4), [2, 3])


def test_cells_of_anything_else_are_described(save):
    arrays = save(x=cell([np.zeros((2, 3)), np.zeros((2, 5))]))
    assert str(arrays["x"]) == "Python objects of shape (2, 1)"
    assert not arrays["x"].is_numeric and not arrays["x"].is_text


def test_whole_numbers_that_scipy_finds_in_fewer_bytes_have_their_own_type(tmp_path):
    """MATLAB stores a double without a fraction in as few bytes as it takes; scipy's writer does not."""
    scipy.io.savemat(tmp_path / "f.mat", {"x": FIELDS})
    small = scipy.io.loadmat(tmp_path / "f.mat")["x"].astype(np.uint8)
    array = open_arrays(tmp_path / "f.mat")["x"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scipy.io, "loadmat", lambda *_, **__: {"x": small})
        assert array.all().dtype == np.float64


def test_structures_are_left_out(tmp_path):
    scipy.io.savemat(tmp_path / "f.mat", {"x": FIELDS, "settings": {"rate": 3}})
    assert list(open_arrays(tmp_path / "f.mat")) == ["x"]


def test_a_file_of_structures_only_is_told_how_to_save_their_fields(tmp_path):
    scipy.io.savemat(tmp_path / "f.mat", {"run": {"x": FIELDS}, "w": scipy.sparse.eye_array(3).tocsc()})
    with pytest.raises(PareError, match=r"holds run \(struct\), w \(sparse\); expected numbers .*'-struct', 'NAME'"):
        open_arrays(tmp_path / "f.mat")


def test_complex_numbers_are_refused(tmp_path):
    scipy.io.savemat(tmp_path / "f.mat", {"x": FIELDS + 1j})
    with pytest.raises(PareError, match="x is complex; save the real and the imaginary part"):
        open_arrays(tmp_path / "f.mat")["x"].all()


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.6, 0.97])
@pytest.mark.parametrize("version", [old, new])
def test_a_file_cut_short_is_named(tmp_path, version, kept):
    path = tmp_path / "f.mat"
    version(path, {"x": np.random.default_rng(0).normal(size=(200, 9)), "y": cell(["a", "b"])})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(PareError, match=r"f\.mat .*damaged or cut short"):
        open_arrays(path)["x"].all()


def test_a_variable_that_claims_too_much_is_refused(tmp_path, monkeypatch):
    scipy.io.savemat(tmp_path / "f.mat", {"x": FIELDS})
    monkeypatch.setattr(memory, "LEAST", 0)
    monkeypatch.setattr(memory, "free_memory", lambda: 100)
    with pytest.raises(PareError, match=r"x needs 0\.0 MiB of memory"):
        open_arrays(tmp_path / "f.mat")


def test_matlab_s_arrays_in_a_file_of_another_suffix_are_turned_as_well(tmp_path):
    new(tmp_path / "f.h5", {"x": FIELDS})
    np.testing.assert_array_equal(open_arrays(tmp_path / "f.h5")["x"].all(), FIELDS)


@pytest.fixture
def fields():
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal((4, 9, 9)).astype(np.float32) for name in ("coeff", "sol")}


@pytest.fixture
def version_7_3(fields, tmp_path):
    path = tmp_path / "new.mat"
    write_mat73(path, 9, 4, ({name: field[i] for name, field in fields.items()} for i in range(4)))
    return path


def test_the_written_file_looks_as_matlab_writes_it(version_7_3, fields):
    head = version_7_3.read_bytes()[:128]
    assert head.startswith(b"MATLAB 7.3 MAT-file") and head.endswith(b"\x00\x02IM")
    with pytest.raises(NotImplementedError, match=r"7\.3"):  # scipy knows the version, and leaves it to HDF5
        scipy.io.loadmat(version_7_3)
    with h5py.File(version_7_3) as file:
        assert file.userblock_size == 512
        assert file["coeff"].attrs["MATLAB_class"] == b"single"
        np.testing.assert_array_equal(np.transpose(file["coeff"][()], (2, 1, 0)), fields["coeff"])


def test_a_damaged_block_is_named_as_such(version_7_3):
    content = bytearray(version_7_3.read_bytes())
    with h5py.File(version_7_3) as file:
        _, block = file["sol"].id.read_direct_chunk((0, 0, 2))
    at = content.index(block)
    content[at : at + len(block)] = bytes(len(block))
    version_7_3.write_bytes(content)
    with pytest.raises(PareError, match="cut short"):
        open_arrays(version_7_3)["sol"].read(2, 3)


def test_a_web_page_is_no_matlab_file(tmp_path):
    page = tmp_path / "page.mat"
    page.write_text("<html>403 Forbidden</html>" * 20)
    with pytest.raises(PareError, match=r"page\.mat is missing, damaged or cut short"):
        open_arrays(page)


def test_a_cell_that_holds_numbers_themselves_is_left_out(tmp_path):
    with h5py.File(tmp_path / "f.mat", "w", userblock_size=512) as file:
        for name, kind in (("x", "double"), ("c", "cell")):
            file[name] = np.arange(6.0).reshape(2, 3)
            file[name].attrs["MATLAB_class"] = np.bytes_(kind)
    assert list(open_arrays(tmp_path / "f.mat")) == ["x"]


def test_a_variable_that_claims_more_than_memory_is_refused(tmp_path):
    with h5py.File(tmp_path / "f.mat", "w", userblock_size=512) as file:
        for name, kind in (("x", "double"), ("c", "cell")):
            dtype = h5py.ref_dtype if kind == "cell" else "f8"
            data = file.create_dataset(name, shape=(1000, 10**10), dtype=dtype, chunks=(1, 1000), compression="gzip")
            data.attrs["MATLAB_class"] = np.bytes_(kind)
    with pytest.raises(PareError, match=r"f\.mat: c needs 74,505\.8 GiB of memory"):
        open_arrays(tmp_path / "f.mat")
