"""Files that a package ships, byte for byte."""

import re
from pathlib import Path

import pytest

from pare.config.errors import PareError
from pare.raw.origins.ingest import ingest
from pare.raw.origins.package_files import package_files
from pare.raw.origins.packages import package_folder


def test_files_are_copied_byte_for_byte_and_no_code_of_the_package_runs(package, tmp_path):
    (package / "data").mkdir()
    (package / "data" / "a.ts").write_bytes(b"@data\r\n\xff")
    (package / "b.ts").write_bytes(b"")
    assert package_files(tmp_path / "raw", "some_tables", ("data/a.ts", "b.ts")) == {"a.ts": None, "b.ts": None}
    assert (tmp_path / "raw" / "a.ts").read_bytes() == b"@data\r\n\xff"
    assert (tmp_path / "raw" / "b.ts").read_bytes() == b""


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path):
    with pytest.raises(PareError, match=r"'some_tables' is not installed.*pip install 'pare-transfer\[offline\]'"):
        package_files(tmp_path / "raw", "some_tables", ("a.ts",))
    assert not (tmp_path / "raw").exists()


def test_where_one_file_is_missing_none_is_brought(package, tmp_path):
    (package / "a.ts").touch()
    with pytest.raises(PareError, match=r"holds no 'gone\.ts', which should be a file of this task"):
        package_files(tmp_path / "raw", "some_tables", ("a.ts", "gone.ts"))
    assert not (tmp_path / "raw").exists()


def test_the_manifest_says_where_the_series_of_a_task_come_from(library, tmp_path):
    raw = library.task("ucr_gun_point").raw.active
    manifest = ingest(raw, tmp_path)
    shipped = [package_folder("sktime", ships="") / path for path in raw.options["paths"]]
    assert [(file.name, file.bytes, file.url) for file in manifest.files] == [
        (path.name, path.stat().st_size, None) for path in shipped
    ]
    assert all((tmp_path / path.name).read_bytes() == path.read_bytes() for path in shipped)
    assert manifest.url.startswith("https://www.timeseriesclassification.com/") and "BSD-3" in manifest.licence


def test_packages_that_ship_files_are_in_the_extra_offline(conf: Path, library):
    raws = [library.task(name).raw.active for name in library.tasks]
    packages = {raw.options["package"] for raw in raws if raw.origin == "package_files"}
    assert packages == {"sktime"}
    (offline,) = re.findall(r"^offline = \[(.*?)^\]", (conf.parent / "pyproject.toml").read_text(), re.M | re.S)
    assert '"sktime>=' in offline
