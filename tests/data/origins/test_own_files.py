"""The user's own files: linked, described, and noticed when they change."""

import errno
import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from pare.config.errors import PareError
from pare.config.raw import RawConfig
from pare.data.origins.ingest import ingest
from pare.data.origins.manifest import current_manifest, read_manifest, write_manifest


def own(*files):
    return RawConfig(origin="own_files", options={"files": list(files)}, licence="the user's own")


@pytest.fixture
def project(tmp_path):
    """A project with a table in it, and an image folder outside."""
    (tmp_path / "project" / "measured").mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").touch()
    (tmp_path / "project" / "measured" / "table.csv").write_text("a,b\n1,2\n")
    for name in ("cats/1.png", "dogs/1.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(name.encode())
    return tmp_path / "project"


@pytest.fixture
def folder(project):
    return project / "data" / "01_raw" / "mine"


@pytest.fixture
def no_links(monkeypatch):
    """A file system without symbolic links."""

    def refuse(self, target, target_is_directory=False):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)


def test_a_file_is_linked_and_described(project, folder):
    manifest = ingest(own("measured/table.csv"), folder)
    link = folder / "table.csv"
    original = project / "measured" / "table.csv"
    assert link.is_symlink() and link.samefile(original)
    (record,) = manifest.files
    content = original.read_bytes()
    assert (record.name, record.bytes) == ("table.csv", len(content))
    assert record.sha256 == hashlib.sha256(content).hexdigest()
    assert record.original == original
    assert record.url == original.as_uri()


def test_a_folder_counts_as_one_file(project, folder):
    manifest = ingest(own(str(project.parent / "photos")), folder)
    (record,) = manifest.files
    assert (record.name, record.bytes) == ("photos", len("cats/1.png") + len("dogs/1.png"))
    assert (folder / "photos" / "cats" / "1.png").read_bytes() == b"cats/1.png"


def test_where_there_are_no_links_the_files_are_copied(project, folder, no_links):
    ingest(own("measured/table.csv", "../photos"), folder)
    assert not (folder / "table.csv").is_symlink()
    assert (folder / "table.csv").read_text() == "a,b\n1,2\n"
    assert (folder / "photos" / "dogs" / "1.png").read_bytes() == b"dogs/1.png"


def test_nothing_happens_while_nothing_changed(project, folder):
    first = ingest(own("measured/table.csv"), folder)
    assert ingest(own("measured/table.csv"), folder) == first


@pytest.mark.parametrize("links", [True, False])
def test_a_change_of_the_original_is_noticed(project, folder, links, request):
    if not links:
        request.getfixturevalue("no_links")
    files = own("measured/table.csv", "../photos")
    before = ingest(files, folder)
    for name, content in {"measured/table.csv": b"a,b\n1,3\n", "../photos/cats/1.png": b"CATS/1.png"}.items():
        path = project / name
        time = path.stat().st_mtime_ns
        path.write_bytes(content)  # of the same size
        os.utime(path, ns=(time, time + 10**9))
        assert current_manifest(files, folder) is None
        after = ingest(files, folder)
        assert after.fingerprint != before.fingerprint
        before = after
    assert (folder / "table.csv").read_text() == "a,b\n1,3\n"
    assert (folder / "photos" / "cats" / "1.png").read_bytes() == b"CATS/1.png"
    assert (project / "measured" / "table.csv").read_text() == "a,b\n1,3\n"


def test_an_image_that_was_added_is_noticed_but_not_what_a_desktop_hides_there(project, folder):
    files = own("../photos")
    first = ingest(files, folder)
    (project.parent / "photos" / "cats" / ".DS_Store").write_text("hidden")
    assert ingest(files, folder) == first
    (project.parent / "photos" / "cats" / "2.png").write_text("new")
    assert ingest(files, folder).fingerprint != first.fingerprint


def test_a_file_that_was_only_touched_keeps_its_fingerprint_and_is_read_only_once_more(project, folder, monkeypatch):
    files = own("measured/table.csv")
    before = ingest(files, folder)
    os.utime(project / "measured" / "table.csv", (1, 1))
    assert ingest(files, folder).fingerprint == before.fingerprint
    monkeypatch.setattr("pare.data.origins.manifest.SMALL", 0)
    monkeypatch.setattr("pare.data.origins.manifest.content_sha256", lambda path: pytest.fail("read again"))
    assert ingest(files, folder).fingerprint == before.fingerprint


def test_a_small_file_that_was_changed_is_noticed_whatever_its_size_and_time_say(project, folder):
    files, path = own("measured/table.csv"), project / "measured" / "table.csv"
    before, state = ingest(files, folder), path.stat()
    path.write_bytes(path.read_bytes().replace(b"2", b"3"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert path.stat().st_size == state.st_size
    assert ingest(files, folder).fingerprint != before.fingerprint


def test_the_same_content_elsewhere_has_the_same_fingerprint(project, folder):
    before = ingest(own("measured/table.csv"), folder)
    (project / "measured" / "table.csv").rename(project / "table.csv")
    after = ingest(own("table.csv"), folder)
    assert after.fingerprint == before.fingerprint
    assert (folder / "table.csv").samefile(project / "table.csv")


@pytest.mark.parametrize(("links", "noted"), [(True, set()), (False, {".made_here.sha256"})])
def test_other_files_replace_links_and_copies_and_leave_the_originals(project, folder, links, noted, request):
    if not links:
        request.getfixturevalue("no_links")
    ingest(own("measured/table.csv", "../photos"), folder)
    (project / "other.csv").write_text("a\n1\n")
    ingest(own("other.csv"), folder)
    assert {path.name for path in folder.iterdir()} == {"manifest.json", "other.csv"} | noted
    assert (project / "measured" / "table.csv").is_file()
    assert (project.parent / "photos" / "cats" / "1.png").is_file()


def test_a_file_that_lies_in_the_raw_folder_itself_is_never_removed(project, folder):
    folder.mkdir(parents=True)
    (folder / "here.csv").write_text("a\n1\n")
    ingest(own("data/01_raw/mine/here.csv"), folder)
    ingest(own("measured/table.csv"), folder)
    assert (folder / "here.csv").read_text() == "a\n1\n"


@pytest.fixture
def moved(project):
    """Move the project; its raw folder is then elsewhere."""
    return lambda: project.rename(project.parent / "moved") / "data" / "01_raw" / "mine"


@pytest.fixture
def inside(folder):
    """A table and a folder of images that the user keeps in the raw folder itself, as paths below the project."""
    (folder / "pictures" / "cats").mkdir(parents=True)
    (folder / "pictures" / "cats" / "1.png").write_bytes(b"a cat")
    (folder / "my table.csv").write_text("a\n1\n")
    return [f"data/01_raw/mine/{name}" for name in ("my table.csv", "pictures")]


def test_files_in_the_raw_folder_itself_survive_a_move_of_the_project(folder, inside, moved):
    before, moved = ingest(own(*inside), folder), moved()
    after = ingest(own(*inside), moved)
    assert after.files == before.files == read_manifest(moved).files
    assert (moved / "my table.csv").read_text() == "a\n1\n"
    assert (moved / "pictures" / "cats" / "1.png").read_bytes() == b"a cat"
    (moved / "my table.csv").write_text("a\n1\n2\n")
    assert current_manifest(own(*inside), moved) is None


def test_files_in_the_raw_folder_itself_survive_whatever_else_changes(folder, inside, moved):
    ingest(own(*inside), folder)
    (folder / "my table.csv").write_text("a\n1\n2\n")
    moved = moved()
    ingest(own(*inside), moved)
    ingest(own("measured/table.csv"), moved)
    assert (moved / "my table.csv").read_text() == "a\n1\n2\n"
    assert (moved / "pictures" / "cats" / "1.png").read_bytes() == b"a cat"


@pytest.mark.parametrize("copied", [False, True])
def test_a_manifest_with_the_old_places_of_such_files_costs_none_of_them(project, folder, inside, copied):
    manifest = ingest(own(*inside), folder)
    records = [r.model_copy(update={"url": (folder / r.name).as_uri()}) for r in manifest.files]
    write_manifest(manifest.model_copy(update={"files": records}), folder)
    place = project.parent / "elsewhere"
    moved = (shutil.copytree(project, place) if copied else project.rename(place)) / "data" / "01_raw" / "mine"
    if copied:
        (folder / "my table.csv").write_text("changed in the other project")
    assert ingest(own(*inside), moved).fingerprint == manifest.fingerprint
    assert (moved / "my table.csv").read_text() == "a\n1\n"
    assert (moved / "pictures" / "cats" / "1.png").read_bytes() == b"a cat"


def test_a_moved_project_links_its_other_files_again(folder, moved):
    before, moved = ingest(own("measured/table.csv"), folder), moved()
    assert ingest(own("measured/table.csv"), moved).fingerprint == before.fingerprint
    assert (moved / "table.csv").samefile(moved.parents[2] / "measured" / "table.csv")


def test_a_copy_whose_original_vanished_is_kept_and_may_be_used(project, folder, no_links):
    ingest(own("measured/table.csv", "../photos"), folder)
    (project / "measured" / "table.csv").unlink()
    shutil.rmtree(project.parent / "photos")
    ingest(own("data/01_raw/mine/table.csv", "data/01_raw/mine/photos"), folder)
    assert (folder / "table.csv").read_text() == "a,b\n1,2\n"
    assert (folder / "photos" / "cats" / "1.png").read_bytes() == b"cats/1.png"


def test_a_file_that_the_user_put_where_a_copy_was_is_kept(project, folder, no_links):
    ingest(own("measured/table.csv"), folder)
    (folder / "table.csv").write_text("precious")
    ingest(own("../photos"), folder)
    assert (folder / "table.csv").read_text() == "precious"


def test_a_file_of_another_content_in_the_raw_folder_is_not_overwritten(project, folder):
    folder.mkdir(parents=True)
    (folder / "table.csv").write_text("precious")
    with pytest.raises(PareError, match=r"table\.csv exists already and is not .*measured"):
        ingest(own("measured/table.csv"), folder)
    assert (folder / "table.csv").read_text() == "precious"


def copied_with_links_followed(project):
    """As `cp -rL`, rsync -L or a zip leave it: real files in the raw folder."""
    copied = shutil.copytree(project, project.parent / "copied")  # follows links
    return copied / "data" / "01_raw" / "mine"


def test_a_followed_link_is_kept_where_its_original_became_another(project, folder):
    original = project / "measured" / "table.csv"
    files = own(str(original))
    ingest(files, folder)
    copied = copied_with_links_followed(project)
    original.write_text("other numbers\n")
    for _ in range(2):
        with pytest.raises(
            PareError, match=r"copied/.*table\.csv .* is not .*project/measured/table\.csv; .* move it out"
        ):
            ingest(files, copied)
        assert (copied / "table.csv").read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize("change", ["cats/1.png", "cats/.hidden", None])
def test_a_hidden_file_in_a_followed_link_is_kept(project, folder, change):
    files = own("measured/table.csv", str(project.parent / "photos"))
    ingest(files, folder)
    copied = copied_with_links_followed(project)
    (copied / "photos" / ".labels.csv").write_text("precious")
    if change:
        (project.parent / "photos" / change).write_text("changed")
    with suppress(PareError):  # where the pictures differ
        ingest(own(str(project.parent / "photos")), copied)
    assert (copied / "photos" / ".labels.csv").read_text() == "precious"


def test_a_followed_link_that_equals_its_original_becomes_a_link_again(project, folder):
    (project.parent / "photos" / ".hidden").write_text("of the original, too")
    files = own(str(project.parent / "photos"))
    ingest(files, folder)
    copied = copied_with_links_followed(project)
    (project.parent / "photos" / "cats" / "2.png").write_text("new")
    ingest(files, copied)
    assert (copied / "photos").is_symlink() and (copied / "photos" / "cats" / "2.png").exists()


def test_a_hidden_file_in_a_copy_of_a_folder_is_kept(project, folder, no_links):
    files = own("../photos")
    ingest(files, folder)
    (folder / "photos" / ".labels.csv").write_text("precious")
    (project.parent / "photos" / "cats" / "1.png").write_text("changed")
    with pytest.raises(PareError, match=r"is not .*photos"):
        ingest(files, folder)
    assert (folder / "photos" / ".labels.csv").read_text() == "precious"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("measured/tabel.csv", r"'tabel\.csv' in .*measured \(there are table\.csv\)"),
        ("mesured/table.csv", r"no 'mesured' in .*project \(there are measured\)"),
        ("xyz", "nothing there has a similar name"),
        ("empty", "holds no files"),
    ],
)
def test_a_path_that_does_not_exist_names_what_is_there(project, folder, path, words):
    (project / "empty").mkdir()
    with pytest.raises(PareError, match=words):
        ingest(own(path), folder)
    assert read_manifest(folder) is None


def test_an_original_that_vanished_is_named(project, folder):
    ingest(own("measured/table.csv"), folder)
    (project / "measured" / "table.csv").unlink()
    with pytest.raises(PareError, match=r"no 'table\.csv'"):
        ingest(own("measured/table.csv"), folder)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["table.csv", "measured/table.csv"], r"several of your files are named table\.csv"),
        (["manifest.json"], "rename"),
        ([], "files"),
    ],
)
def test_two_files_of_one_name_a_manifest_and_no_files_are_refused(project, folder, files, words):
    for name in ("table.csv", "manifest.json"):
        (project / name).write_text("{}")
    with pytest.raises(PareError, match=words):
        ingest(own(*files), folder)


def test_one_path_need_not_be_a_list(project, folder):
    raw = RawConfig(origin="own_files", options={"files": "measured/table.csv"}, licence="-")
    assert [record.name for record in ingest(raw, folder).files] == ["table.csv"]


def test_a_relative_path_needs_a_project_and_an_absolute_one_does_not(project, folder):
    (project / "pyproject.toml").unlink()
    with pytest.raises(PareError, match=r"is in no project: no folder above it has a pyproject\.toml"):
        ingest(own("measured/table.csv"), folder)
    assert ingest(own(str(project / "measured" / "table.csv")), folder).files


def test_the_project_is_found_from_a_folder_at_any_depth(project, folder):
    ingest(own("measured/table.csv"), folder / "deeper" / "still")
    assert (folder / "deeper" / "still" / "table.csv").samefile(project / "measured" / "table.csv")
