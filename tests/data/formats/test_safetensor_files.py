"""Files that safetensors wrote, read by rows."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from pare.config.errors import PareError
from pare.data.formats.array_files import open_arrays
from users_files import CLASSES, SERIES, N, look, read_found


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "int64", "bool"])
def test_rows_of_every_type_are_those_that_were_saved(tmp_path, dtype):
    saved = (10 * SERIES).astype(dtype)
    save_file({"x": saved, "rate": np.array(3.0)}, tmp_path / "f.safetensors")
    found = open_arrays(tmp_path / "f.safetensors")
    assert (found["x"].shape, found["x"].dtype, found["rate"].shape) == (saved.shape, saved.dtype, ())
    np.testing.assert_array_equal(found["x"].read(3, 7), saved[3:7])
    np.testing.assert_array_equal(found["x"].all(), saved)


def test_a_type_that_numpy_lacks_is_passed_over(tmp_path):
    content = {"x": torch.ones(3), "half": torch.ones(3, dtype=torch.bfloat16)}
    save_tensors(content, tmp_path / "f.safetensors")
    assert list(open_arrays(tmp_path / "f.safetensors")) == ["x"]


def test_a_file_that_is_cut_short_is_named(tmp_path):
    save_file({"x": SERIES}, tmp_path / "f.safetensors")
    (tmp_path / "f.safetensors").write_bytes((tmp_path / "f.safetensors").read_bytes()[:-8])
    with pytest.raises(PareError, match=r"f\.safetensors is missing, damaged or cut short"):
        open_arrays(tmp_path / "f.safetensors")


def test_a_task_is_made_of_such_a_file(tmp_path):
    save_file({"signal": SERIES, "kind": CLASSES}, tmp_path / "f.safetensors")
    found = look([tmp_path / "f.safetensors"], "kind")
    x, y = read_found(found, tmp_path)["all"].read(0, N)
    np.testing.assert_array_equal(x, SERIES.astype(np.float32))
    np.testing.assert_array_equal(y, CLASSES)
