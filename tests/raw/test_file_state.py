"""What is said of files and folders."""

from pare.raw.file_state import content_bytes, content_sha256, file_state, files_below


def test_what_a_desktop_hides_changes_nothing(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").write_bytes(b"12345")
    before = content_sha256(tmp_path), content_bytes(tmp_path), file_state(tmp_path)
    for name in (".DS_Store", "Thumbs.db", "cat/Desktop.ini", "cat/.hidden"):
        (tmp_path / name).write_bytes(b"x")
    assert (content_sha256(tmp_path), content_bytes(tmp_path), file_state(tmp_path)) == before
    assert [path.name for path in files_below(tmp_path)] == ["1.png"]
