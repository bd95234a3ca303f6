"""Files of PyTorch, as users and publishers save them and as a stranger may."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from pare.config.errors import PareError
from pare.data.formats.array_files import open_arrays

OLD = {"_use_new_zipfile_serialization": False}
MAPS = Path("/proc/self/maps")


def saved(folder, content, **how):
    torch.save(content, folder / "f.pt", **how)
    return folder / "f.pt"


@pytest.mark.parametrize("how", [{}, OLD])
@pytest.mark.parametrize(
    ("content", "found"),
    [
        (torch.arange(6.0).reshape(3, 2), {"f.pt": [[0, 1], [2, 3], [4, 5]]}),
        ((torch.ones(2, 1), torch.tensor([4, 5])), {"x": [[1], [1]], "y": [4, 5]}),
        ({"train": {"x": torch.ones(2)}, "test": [torch.zeros(1)], "rate": 0.1}, {"train/x": [1, 1], "test/0": [0]}),
        (
            {"a": torch.nn.Parameter(torch.ones(2)), "b": torch.arange(6).reshape(2, 3).T},
            {"a": [1, 1], "b": [[0, 3], [1, 4], [2, 5]]},
        ),
    ],
)
def test_tensors_are_named_by_their_keys_and_places(tmp_path, how, content, found):
    arrays = open_arrays(saved(tmp_path, content, **how))
    assert {name: array.all().tolist() for name, array in arrays.items()} == found


@pytest.mark.parametrize(
    ("dtype", "read"),
    [
        (torch.float16, np.float32),
        (torch.bfloat16, np.float32),
        (torch.float64, np.float64),
        (torch.uint8, np.uint8),
        (torch.uint16, np.uint16),
        (torch.bool, np.bool_),
        (torch.complex64, np.complex64),
    ],
)
def test_types_are_those_of_numpy_and_half_precision_becomes_single(tmp_path, dtype, read):
    array = open_arrays(saved(tmp_path, {"x": torch.tensor([0, 1, 1]).to(dtype)}))["x"]
    assert array.dtype == array.read(1, 3).dtype == read
    np.testing.assert_array_equal(array.read(0, 2), np.array([0, 1], read))


@pytest.mark.skipif(not MAPS.exists(), reason="only Linux lists what a process has mapped")
def test_a_file_is_mapped_not_read(tmp_path):
    path = saved(tmp_path, {"x": torch.zeros(1000, 100)})
    array = open_arrays(path)["x"]
    assert str(path) in MAPS.read_text()
    assert array.read(998, 1000).shape == (2, 100)


class Call:
    """A pickle of it has Python call a function."""

    def __init__(self, *called):
        self.called = called

    def __reduce__(self):
        function, *arguments = self.called
        return function, tuple(arguments)


@pytest.mark.parametrize("how", [{}, OLD])
@pytest.mark.parametrize(
    ("function", "argument", "named"),
    [
        (exec, "raise SystemExit", "exec"),
        (bytearray, 10**13, "bytearray"),  # weights_only lets it pass
        (torch.Tensor, 10**13, "torch.Tensor"),  # and this
        (np.array, [1, 2], "numpy.array"),
    ],
)
def test_a_pickle_that_asks_for_more_than_tensors_is_refused(tmp_path, how, function, argument, named):
    path = saved(tmp_path, {"x": torch.ones(3), "y": Call(function, argument)}, **how)
    with pytest.raises(PareError, match=f"asks Python for .*{named}, so it was refused and nothing in it was executed"):
        open_arrays(path)


@pytest.mark.parametrize("how", [{}, OLD])
def test_a_tensor_larger_than_its_numbers_is_refused(tmp_path, how):
    path = saved(tmp_path, {"x": torch.zeros(1).expand(10**6, 10**6)}, **how)
    with pytest.raises(PareError, match=r"x claims shape \(1000000, 1000000\), 4000000000000 bytes, but holds 4"):
        open_arrays(path)


def test_a_container_that_mentions_itself_over_and_over_is_walked_once(tmp_path):
    nested = [torch.ones(1)]
    for _ in range(60):
        nested = [nested, nested]
    assert len(open_arrays(saved(tmp_path, nested))) == 1


@pytest.mark.parametrize("how", [{}, OLD])
@pytest.mark.parametrize("share", [0, 0.3, 0.7, 0.99])
def test_a_file_that_is_cut_short_is_said_to_be(tmp_path, how, share):
    path = saved(tmp_path, {"x": torch.ones(100)}, **how)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(PareError, match="damaged"):
        open_arrays(path)


@pytest.mark.parametrize(
    ("content", "how", "message"),
    [({"rate": 0.1}, {}, "holds no tensors"), (torch.ones(3), {"pickle_protocol": 4}, "pickle protocol 4")],
)
def test_what_is_to_be_saved_is_said(tmp_path, content, how, message):
    with pytest.raises(PareError, match=rf"{message}.*Save tensors only, such as torch\.save"):
        open_arrays(saved(tmp_path, content, **how))


def test_an_archive_that_is_compressed_is_refused(tmp_path):
    with zipfile.ZipFile(saved(tmp_path, torch.ones(3))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "f.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(PareError, match="is no file that torch"):
        open_arrays(tmp_path / "f.pt")
