"""Rights of files, compared with what the system gives a file that Python opens."""

import os

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_torch_file

from pare.storage.rights import usual_rights


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
@pytest.mark.parametrize(("save", "ones"), [(save_file, np.ones), (save_torch_file, torch.ones)])
def test_the_umask_decides_who_may_read_tensors(tmp_path, save, ones, umask, mode):
    path, before = tmp_path / "x.safetensors", os.umask(umask)
    try:
        with usual_rights(path):
            save({"a": ones(3)}, path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode
    np.testing.assert_array_equal(load_file(path)["a"], np.ones(3))
