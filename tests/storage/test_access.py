"""What two processes must not do at once is done by one of them."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_torch_file

from pare.config import PareError
from pare.storage.access import held_alone, usual_rights

HOLDER = """
import sys, time
from pathlib import Path
from pare.storage.access import held_alone

with held_alone(Path(sys.argv[1]), "it is done", "wait"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_named_and_what_it_held_is_free_once_it_is_dead(tmp_path):
    path = tmp_path / "deep" / ".lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        said = f"^it is done by process {other.pid} on .* at this moment; wait$"
        with pytest.raises(PareError, match=said), held_alone(path, "it is done", "wait"):
            pass
        other.kill()
    with held_alone(path, "it is done", "wait"):
        assert path.is_file()
    assert not path.exists()


def test_another_process_is_waited_for_where_there_is_no_advice(tmp_path, caplog):
    path = tmp_path / ".lock"
    code = HOLDER.replace("sleep(60)", "sleep(0.5)")
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with caplog.at_level("INFO"), held_alone(path, "it is made"):
            assert other.wait(5) == 0
        assert f"it is made by process {other.pid}" in caplog.text
    assert not path.exists()


def test_a_link_in_the_place_of_a_lock_is_refused_and_its_target_is_not_emptied(tmp_path):
    (tmp_path / "target").write_text("kept")
    (tmp_path / ".lock").symlink_to(tmp_path / "target")
    with pytest.raises(PareError, match="cannot write"), held_alone(tmp_path / ".lock", "", "wait"):
        pass
    assert (tmp_path / "target").read_text() == "kept"


def test_the_file_is_removed_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), held_alone(tmp_path / ".lock", "", ""):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


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
