"""Series in folders of classes, compared with the arrays that they were written from."""

import numpy as np
import pandas as pd
import pytest

import users_files
from pare.config.errors import PareError

SERIES = np.random.default_rng(0).normal(size=(2, 9)).astype(np.float32)


def read_folder(folder, **options):
    options = {"channels": ["u", "v"], "points": 9} | options
    return users_files.read("series_folder", folder, **options)["all"]


def save(folder, name, values=SERIES, columns=("u", "v"), **written):
    path = folder / "walks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(values.T, columns=list(columns)).to_csv(path, **{"index": False} | written)


def test_each_file_is_a_series_whatever_the_order_of_its_columns(tmp_path):
    save(tmp_path, "slow/1.csv")
    save(tmp_path, "fast/1.csv.gz", SERIES[::-1, :5], ("v", "u"))
    samples = read_folder(tmp_path)
    x, y = samples.read(0, 2)
    assert (samples.classes, samples.columns) == (["fast", "slow"], ["u", "v"])
    np.testing.assert_array_equal(y, [0, 1])
    np.testing.assert_allclose(x[1], SERIES, rtol=1e-6)
    np.testing.assert_allclose(x[0, :, :5], SERIES[:, :5], rtol=1e-6)
    np.testing.assert_allclose(x[0, :, 5:], np.outer(SERIES[:, :5].mean(axis=1), np.ones(4)), rtol=1e-5)


def test_files_may_lack_a_header_and_be_written_in_another_way(tmp_path):
    for name in ("a", "b"):
        save(tmp_path, f"{name}/1.csv", header=False, sep=";", decimal=",")
    x, _ = read_folder(tmp_path, channels=["2"], header=False, delimiter=";", decimal=",").read(0, 1)
    np.testing.assert_allclose(x[0], SERIES[1:], rtol=1e-6)


def test_a_file_without_a_channel_or_with_text_is_named(tmp_path):
    save(tmp_path, "a/1.csv")
    save(tmp_path, "b/1.csv", columns=("u", "w"))
    with pytest.raises(PareError, match=r"column 'v' is unknown.*b/1\.csv"):
        read_folder(tmp_path).read(0, 2)
    (tmp_path / "walks" / "b" / "1.csv").write_text("u,v\n1,2\n3,x\n")
    with pytest.raises(PareError, match=r"b/1\.csv: column 'v' holds 'x' in row 2"):
        read_folder(tmp_path).read(0, 2)
    (tmp_path / "walks" / "b" / "1.csv").write_text("u,v\n")
    with pytest.raises(PareError, match=r"b/1\.csv is cut short: it has no rows"):
        read_folder(tmp_path).read(0, 2)


def test_plain_text_next_to_other_tables_is_no_series(tmp_path):
    for name in ("a/1.txt", "b/1.txt"):
        save(tmp_path, name)
    assert read_folder(tmp_path).count == 2
    save(tmp_path, "a/1.csv")
    with pytest.raises(PareError, match=r"a/1\.txt is no series file \(\.csv, \.csv\.gz, \.tsv, \.tsv\.gz\); move it"):
        read_folder(tmp_path)
