"""MATLAB files of both versions, against scipy and h5py themselves."""

import h5py
import numpy as np
import pytest
import scipy.io

from pare.config.errors import PareError
from pare.raw.formats.matlab import MatFields, write_mat73


@pytest.fixture
def fields():
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal((4, 9, 9)).astype(np.float32) for name in ("coeff", "sol")}


@pytest.fixture
def new(fields, tmp_path):
    path = tmp_path / "new.mat"
    write_mat73(path, 9, 4, ({name: field[i] for name, field in fields.items()} for i in range(4)))
    return path


@pytest.fixture
def old(fields, tmp_path):
    path = tmp_path / "old.mat"
    scipy.io.savemat(path, fields)
    return path


def test_both_versions_give_the_same_rows_in_the_same_orientation(new, old, fields):
    for path in (new, old):
        opened = MatFields(path, ("coeff", "sol"), stride=2)
        assert opened.shapes == {"coeff": (4, 9, 9), "sol": (4, 9, 9)}
        part = opened.read(1, 3)
        for name, field in fields.items():
            np.testing.assert_array_equal(part[name], field[1:3, ::2, ::2])


def test_the_written_file_looks_as_matlab_writes_it(new, fields):
    head = new.read_bytes()[:128]
    assert head.startswith(b"MATLAB 7.3 MAT-file") and head.endswith(b"\x00\x02IM")
    with pytest.raises(NotImplementedError, match=r"7\.3"):  # scipy knows the version, and leaves it to HDF5
        scipy.io.loadmat(new)
    with h5py.File(new) as file:
        assert file.userblock_size == 512
        assert file["coeff"].attrs["MATLAB_class"] == b"single"
        np.testing.assert_array_equal(np.transpose(file["coeff"][()], (2, 1, 0)), fields["coeff"])


@pytest.mark.parametrize("version", ["new", "old"])
@pytest.mark.parametrize("kept", [0.0, 0.05, 0.5, 0.95])
def test_a_file_cut_short_is_named_as_such(version, kept, request):
    path = request.getfixturevalue(version)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(PareError, match=rf"{path.name} (cannot be read|lacks the variable)"):
        MatFields(path, ("coeff", "sol"), stride=2).read(0, 4)


def test_a_damaged_block_is_named_as_such(new):
    content = bytearray(new.read_bytes())
    with h5py.File(new) as file:
        _, block = file["sol"].id.read_direct_chunk((0, 0, 2))
    at = content.index(block)
    content[at : at + len(block)] = bytes(len(block))
    new.write_bytes(content)
    opened = MatFields(new, ("coeff", "sol"), stride=2)
    with pytest.raises(PareError, match="cut short"):
        opened.read(2, 3)


def test_a_web_page_is_no_matlab_file(tmp_path):
    page = tmp_path / "page.mat"
    page.write_text("<html>403 Forbidden</html>" * 20)
    with pytest.raises(PareError, match="cannot be read as a MATLAB file"):
        MatFields(page, ("coeff",), stride=1)


@pytest.mark.parametrize("version", ["new", "old"])
def test_a_missing_variable_is_named_with_those_that_are_there(version, request):
    with pytest.raises(PareError, match="lacks the variable Kcoeff; it holds coeff, sol"):
        MatFields(request.getfixturevalue(version), ("Kcoeff", "sol"), stride=1)
