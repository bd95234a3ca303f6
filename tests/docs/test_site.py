"""The pages as a site: it is built without a warning, has all pages and public names, and needs no other server."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pare

pytestmark = pytest.mark.slow

pytest.importorskip("zensical")
tomllib = pytest.importorskip("tomllib")  # new in Python 3.11
PROJECT = Path(__file__).parents[2]
PAGES = sorted(path.stem for path in (PROJECT / "docs").glob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built in strict mode."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(PROJECT / "zensical.toml", folder)
    for name in ("docs", "src"):
        shutil.copytree(PROJECT / name, folder / name, symlinks=True)
    build = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_there_and_in_the_navigation(site, page):
    assert (site / ("" if page == "index" else page) / "index.html").is_file()
    navigation = tomllib.loads((PROJECT / "zensical.toml").read_text())["project"]["nav"]
    assert f"'{page}.md'" in str(navigation), f"add {page}.md to nav in zensical.toml"


def test_nothing_is_loaded_from_another_server(site):
    loaded = re.compile(
        r'<(?:script|img|iframe)[^>]*\bsrc="?(https?:)?//|<link[^>]*rel="?stylesheet"?[^>]*href="?https?:'
    )
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(PAGES)
    assert [path for path in pages if loaded.search(path.read_text())] == []


@pytest.mark.parametrize("name", pare.__all__)
def test_the_api_has_every_public_name_with_its_docstring(site, name):
    text = (site / "api" / "index.html").read_text()
    assert re.search(rf'id="?pare[\w.]*\.{name}\b', text)
    words = re.sub(r"<[^>]+>", "", text)
    beginning = re.split(r"[`'\"]", getattr(pare, name).__doc__.splitlines()[0])[0].strip()
    assert beginning in words
