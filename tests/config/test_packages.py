import json

import pytest

from pare.config.errors import PareError
from pare.config.packages import import_extra


def test_a_package_that_is_here_is_imported():
    assert import_extra("json", "a test", "pare-transfer[dev]") is json


def test_one_that_is_not_is_told_with_the_command_that_brings_it():
    with pytest.raises(PareError, match=r"^a test needs the package 'absent', not installed; pip install 'p\[x\]'$"):
        import_extra("absent.inner", "a test", "p[x]")
