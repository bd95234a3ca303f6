import pytest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Folder of an installed package ``some_tables``, whose code must not run."""
    folder = tmp_path / "site" / "some_tables"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('a package that ships files is not imported')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder
