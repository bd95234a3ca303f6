"""The lists of formats and origins."""

import subprocess
import sys

import pytest

from pare.config import PareError
from pare.data.registries import FORMATS, ORIGINS, find_format, find_origin, own_formats


def test_formats_are_registered_by_their_names():
    own = {form.name: form for form in own_formats()}
    assert all(own.get(name) is find_format(name) for name in own)
    assert all(find_format(name).__name__ == name for name in FORMATS if name not in own)


@pytest.mark.parametrize("name", ORIGINS)
def test_an_origin_is_registered_by_the_name_of_its_function(name):
    assert ORIGINS[name].load().__name__ == name


def test_the_publishers_files_need_a_network_and_a_simulation_does_not():
    assert all(find_origin(name).needs_network for name in ("download", "openml_dataset", "hub_encoder"))
    offline = ("darcy_flow_simulation", "own_files", "package_files", "package_table")
    assert not any(find_origin(name).needs_network for name in offline)


def test_an_unknown_origin_is_answered_with_the_nearest_name():
    with pytest.raises(PareError, match=r"origin 'downlaod' is unknown\. Did you mean 'download'"):
        find_origin("downlaod")


def test_asking_for_the_network_imports_no_solver_and_no_downloader():
    heavy = ("torch", "scipy", "h5py", "pandas", "sklearn", "requests", "numpy")
    code = f"import sys, pare.data.registries; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
