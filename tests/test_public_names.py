"""What `import pare` offers."""

import subprocess
import sys

import pytest

import pare


def test_every_public_name_is_there():
    assert {name: getattr(pare, name).__name__ for name in pare.__all__} == {name: name for name in pare.__all__}


def test_completion_shows_them_before_they_are_used():
    program = "import sys, pare; print(*dir(pare)); raise SystemExit('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert set(shown) == {*pare.__all__, "__version__"}


def test_importing_the_package_imports_no_torch():
    program = "import sys, pare; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_an_unknown_name_is_an_error_that_names_the_public_ones():
    with pytest.raises(AttributeError, match=r"no attribute 'relaxed_topk'; public are .*relaxed_top_k"):
        pare.relaxed_topk  # noqa: B018
