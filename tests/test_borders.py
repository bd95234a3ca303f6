"""The product does not know the laboratory."""

from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
LABORATORY = b"research" + b"/"


@pytest.mark.parametrize("folder", ["src", "docs", "tests"])
def test_no_file_names_the_folder_of_studies(folder):
    found = (path for path in (PROJECT / folder).rglob("*") if path.is_file())
    files = [path for path in found if "__pycache__" not in path.parts and path.parent.suffix != ".egg-info"]
    assert files
    assert not [str(path) for path in files if LABORATORY in path.read_bytes()]
