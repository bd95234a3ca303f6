"""Series in the text format of the UCR and UEA archives, against sktime's writer and damaged by hand."""

from pathlib import Path

import numpy as np
import pytest
import sktime
from sktime.datasets import load_from_tsfile, write_ndarray_to_tsfile

from pare.config.errors import PareError
from pare.data.formats.ts_files import read_ts

HEADER = "@timeStamps false\n@classLabel true Run Walk\n@data\n"


def read(tmp_path, text):
    path = tmp_path / "a.ts"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_ts(path)


def test_what_sktime_writes_is_read_again(tmp_path):
    series = np.random.default_rng(0).normal(size=(4, 3, 7)).astype(np.float32)
    labels = np.array(["b", "a", "b", "a"])
    write_ndarray_to_tsfile(series, str(tmp_path), "walks", class_label=["a", "b"], class_value_list=labels)
    (path,) = tmp_path.rglob("*.ts")
    found = read_ts(path)
    np.testing.assert_array_equal(found.series, series)
    assert (found.answers, found.classes) == (labels.tolist(), ["a", "b"])


def test_comments_empty_lines_and_spaces_do_not_count_and_classes_keep_their_letters(tmp_path):
    text = (
        f"\ufeff# a comment: 1,2\n\n%another\n{HEADER.upper()}\n 1, 2.5 ,-3e-1 : 4,5,6:RUN \n\n#1,2,3:RUN\n1:2:WALK\n"
    )
    found = read(tmp_path, text.replace("TRUE RUN", "true RUN"))
    assert [series.tolist() for series in found.series] == [
        [[1, 2.5, np.float32(-0.3)], [4, 5, 6]],
        [[1], [2]],
    ]
    assert (found.answers, found.classes) == (["RUN", "WALK"], ["RUN", "WALK"])


def test_numbers_to_predict_are_read_as_sktime_reads_them(tmp_path):
    folder = Path(sktime.__file__).parent / "datasets/data/Tecator"
    frame, numbers = load_from_tsfile(str(folder / "Tecator_TEST.ts"))
    found = read_ts(folder / "Tecator_TEST.ts")
    assert found.classes == []
    np.testing.assert_array_equal(np.array(found.answers, float), numbers.astype(float))
    np.testing.assert_array_equal(found.series, np.stack(frame.iloc[:, 0])[:, None].astype(np.float32))


@pytest.mark.parametrize("key", ["classLabel", "targetLabel"])
def test_series_of_which_nothing_is_known_have_no_answers(tmp_path, key):
    found = read(tmp_path, f"@{key} false\n@data\n1,2:3,4\n")
    assert ([series.tolist() for series in found.series], found.answers) == ([[[1, 2], [3, 4]]], [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "1,2:Run\n1,x:Run\n", r"line 5: value 2 of a channel is 'x'; expected a number"),
        (HEADER + "1,?:Run\n", r"line 4: value 2 of a channel is '\?'.*Missing values are not read"),
        (HEADER + "1,nan:Run\n", r"value 2 of a channel is 'nan'"),
        (HEADER + "1,1e99:Run\n", r"value 2 of a channel is '1e99'"),
        (HEADER + ":Run\n", r"value 1 of a channel is ''"),
        (HEADER + "1,2:run\n", r"line 4: class 'run' is none of the header, Run, Walk"),
        (HEADER + "1,2\n", r"line 4 has no class"),
        (HEADER + "1,2:3:Run\n", r"line 4: channels of 1 and of 2 points in one series"),
        (HEADER + "1,2:3,4:Run\n1,2:Run\n", r"line 5 has 1 channel, those before have 2"),
        (HEADER, r"holds no series after the line @data"),
        ("1,2:Run\n", r"line 1: expected a line @data before the first series"),
        ("", r"names no classes: expected a line '@classLabel true CLASS CLASS …'"),
        ("@classLabel true Run\n@data\n1,2:Run\n", r"names no classes"),
        ("@targetLabel true\n@data\n1,2:0.5\n3,4:high\n", r"line 4: 'high' is to be predicted; expected a number"),
        ("@targetLabel true\n@data\n1,2:nan\n", r"line 3: 'nan' is to be predicted"),
        (HEADER.replace("false", "true") + "(0,1),(1,2):Run\n", r"has a time for each value \(@timeStamps true\)"),
        (b"\x93NUMPY\x01\x00v\x00", r"a\.ts is no text in UTF-8"),
    ],
)
def test_a_damaged_file_is_told_with_its_line(tmp_path, text, message):
    with pytest.raises(PareError, match=message):
        read(tmp_path, text)
