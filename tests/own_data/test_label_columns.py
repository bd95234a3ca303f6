import numpy as np
import pytest

from pare.config.errors import PareError
from pare.own_data.findings import open_parts
from users_files import images, look, series_files, series_frames


def listed(folder):
    """A flat folder of eight images, and a table of them."""
    (photos,) = images(folder, (20, 30))
    rows = ["number,picture,animal"]
    for i, path in enumerate(sorted(photos.rglob("*.png"))):
        path.rename(photos / f"{path.parent.name}{path.name}")
        rows.append(f"{i},{path.parent.name}{path.stem},{path.parent.name}")
    for inner in ("cat", "dog"):
        (photos / inner).rmdir()
    (folder / "labels.csv").write_text("\n".join(rows))
    return [photos, folder / "labels.csv"]


def test_the_column_that_names_files_is_found(tmp_path):
    found = look(listed(tmp_path), "animal")
    assert found.options["labels"] == {"table": "labels.csv", "file": "picture", "target": "animal"}
    assert (found.output_name, found.classes) == ("animal", {"cat": 4, "dog": 4})
    x, y = open_parts(found.reader, found.options, tmp_path)["all"].read(0, 2)
    assert x.shape == (2, 3, 20, 30)
    np.testing.assert_array_equal(y, [0, 1])


def test_series_may_be_labelled_by_a_table(tmp_path):
    (walks,) = series_files(tmp_path, series_frames())
    rows = [f"{path.relative_to(walks)},{path.parent.name}ing" for path in sorted(walks.rglob("*.csv"))]
    (tmp_path / "t.csv").write_text("\n".join(["path,gait", *rows]))
    assert look([walks, tmp_path / "t.csv"], "gait").classes == {"runing": 6, "walking": 6}


def test_what_is_unclear_is_asked_for(tmp_path):
    paths = listed(tmp_path)
    with pytest.raises(PareError, match=r"--target COLUMN. Columns of labels\.csv: number, picture, animal"):
        look(paths)
    with pytest.raises(PareError, match="--target names number, animal; the class of a file is in one column"):
        look(paths, "number", "animal")
    paths[1].write_text(paths[1].read_text().replace("number,", "age,number,").replace("\n", "\n2.5,"))
    with pytest.raises(PareError, match=r"'age' of labels\.csv holds numbers, and of images only classes"):
        look(paths, "age")
    paths[1].write_text("a,b\nx,y\n")
    with pytest.raises(PareError, match=r"no column of labels\.csv names files.*in photos\. Columns: a, b"):
        look(paths, "b")
    with pytest.raises(PareError, match="leave --target out"):
        look(paths[:1], "b")
