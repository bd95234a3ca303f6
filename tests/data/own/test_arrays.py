"""The reader of a user's arrays: parts, axes, targets, and exact messages."""

import h5py
import numpy as np
import pytest

import users_files
from pare.config.errors import PareError
from users_files import all_rows

RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=(8, 3, 10))
CODES = np.array([0, 1, 2, 0, 1, 2, 0, 1])
ALL = {"all": {"x": "x", "y": "y"}}


def read(folder, target="classes", parts=None, **options):
    """The reader as configuration calls it."""
    return users_files.read("arrays", folder, parts=parts or ALL, target=target, **options)


@pytest.fixture
def save(tmp_path):
    """Save arrays as f.npz; the folder."""

    def save(**content):
        np.savez(tmp_path / "f.npz", **content)
        return tmp_path

    return save


def test_a_series_with_classes(save):
    samples = read(save(x=SERIES, y=CODES, patient=np.array(list("aabbccdd"))))["all"]
    x, y = all_rows(samples)
    np.testing.assert_array_equal(x, SERIES.astype(np.float32))
    np.testing.assert_array_equal(y, CODES)
    assert (samples.count, x.dtype, y.dtype, samples.classes) == (8, np.float32, np.int64, ["0", "1", "2"])
    np.testing.assert_array_equal(samples.read(3, 5)[0], x[3:5])
    np.testing.assert_array_equal(samples.read(3, 5)[1], y[3:5])
    assert samples.groups is None


@pytest.mark.parametrize(
    ("axis", "stored", "expected"),
    [
        ("first", SERIES, SERIES),
        ("last", SERIES.transpose(0, 2, 1), SERIES),
        ("none", SERIES[:, 0], SERIES[:, :1]),
        ("none", SERIES, SERIES[:, None]),
        ("last", RNG.normal(size=(8, 5, 6, 2)), None),
        ("first", SERIES[:, 0], SERIES[:, 0]),  # features without order
    ],
)
def test_channels_end_up_behind_the_rows(save, axis, stored, expected):
    x, _ = all_rows(read(save(x=stored, y=CODES), channel_axis=axis)["all"])
    expected = np.stack([stored[..., c] for c in range(2)], axis=1) if expected is None else expected
    np.testing.assert_array_equal(x, expected.astype(np.float32))


@pytest.mark.parametrize(
    ("axis", "x", "y", "shape"),
    [
        ("first", (8, 3, 5, 6), (8, 2, 5, 6), (2, 5, 6)),
        ("first", (8, 3, 5, 6), (8, 5, 6), (1, 5, 6)),
        ("last", (8, 5, 6, 3), (8, 5, 6, 2), (2, 5, 6)),
        ("last", (8, 5, 6, 3), (8, 5, 6), (1, 5, 6)),
        ("none", (8, 5, 6), (8, 5, 6), (1, 5, 6)),
        ("none", (8, 5, 6), (8, 2, 5, 6), (2, 5, 6)),
        ("none", (8, 5, 6), (8, 5, 6, 2), (2, 5, 6)),
        ("none", (8, 5, 5), (8, 5, 5, 5), (5, 5, 5)),
        ("none", (8, 9), (8, 9), (1, 9)),
    ],
)
def test_a_field_is_predicted_with_or_without_channels(save, axis, x, y, shape):
    field = RNG.normal(size=y).astype(np.float32)
    field[0].flat[0] = np.nan  # masked
    _, read_field = all_rows(read(save(x=np.zeros(x), y=field), "field", channel_axis=axis)["all"])
    assert read_field.shape == (8, *shape)
    np.testing.assert_array_equal(np.sort(read_field, axis=None), np.sort(field, axis=None))


def test_numbers_and_labels_have_two_axes(save):
    folder = save(x=SERIES, y=np.arange(8), z=RNG.integers(0, 2, (8, 4)))
    _, y = all_rows(read(folder, "numbers")["all"])
    _, z = all_rows(read(folder, "labels", {"all": {"x": "x", "y": "z"}})["all"])
    assert (y.shape, y.dtype, z.shape, z.dtype) == ((8, 1), np.float32, (8, 4), np.float32)
    np.testing.assert_array_equal(y[:, 0], np.arange(8))


@pytest.mark.parametrize(
    ("y", "options", "classes", "codes"),
    [
        (np.array(list("bacbaaaa")), {}, ["a", "b", "c"], [1, 0, 2, 1, 0, 0, 0, 0]),
        (CODES * 5 - 1, {"recode": True}, ["-1", "4", "9"], CODES),  # where the user says so
    ],
)
def test_classes_get_codes_in_sorted_order(save, y, options, classes, codes):
    samples = read(save(x=SERIES, y=y), **options)["all"]
    assert samples.classes == classes
    np.testing.assert_array_equal(all_rows(samples)[1], codes)


@pytest.mark.parametrize("y", [CODES.astype(float), CODES[:, None], CODES.astype(np.uint8)])
def test_whole_numbers_are_classes_however_they_are_stored(save, y):
    np.testing.assert_array_equal(all_rows(read(save(x=SERIES, y=y))["all"])[1], CODES)


def test_groups_are_numbered(save):
    folder = save(x=SERIES, y=CODES, patient=np.array(list("bbaaccdd")))
    samples = read(folder, parts={"all": {"x": "x", "y": "y", "groups": "patient"}})["all"]
    np.testing.assert_array_equal(samples.groups, [1, 1, 0, 0, 2, 2, 3, 3])


def read_grouped(folder, **patients):
    """Parts in files of their own, each with the patient of every row."""
    for name, groups in patients.items():
        np.savez(folder / f"{name}.npz", x=SERIES, y=CODES, patient=np.array(list(groups)))
    return read(
        folder, parts={name: {"x": "x", "y": "y", "groups": "patient", "file": f"{name}.npz"} for name in patients}
    )


def test_a_group_has_the_same_number_in_every_part(tmp_path):
    parts = read_grouped(tmp_path, train="bbaaccdd", validation="eeddffcc", test="gghhggii")
    found = {name: samples.groups for name, samples in parts.items()}
    np.testing.assert_array_equal(found["train"], [1, 1, 0, 0, 2, 2, 3, 3])
    np.testing.assert_array_equal(found["validation"], [4, 4, 3, 3, 5, 5, 2, 2])
    np.testing.assert_array_equal(found["test"], [6, 6, 7, 7, 6, 6, 8, 8])


@pytest.mark.parametrize("encoded", [False, True])
def test_texts_are_names_without_outer_blanks_also_as_bytes(save, tmp_path, encoded):
    texts = {"y": ["kühe", "kühe ", "ziege", " ziege"] * 2, "patient": ["a ", "a", "a", "a", "b", "b", " b", "b"]}
    arrays = {name: np.char.encode(text, "utf-8") if encoded else np.array(text) for name, text in texts.items()}
    samples = read(save(x=SERIES, **arrays), parts={"all": ALL["all"] | {"groups": "patient"}})["all"]
    assert samples.classes == ["kühe", "ziege"] and samples.groups.tolist() == [0] * 4 + [1] * 4
    np.testing.assert_array_equal(all_rows(samples)[1], [0, 0, 1, 1] * 2)
    assert users_files.look([tmp_path / "f.npz"], "y", input="x").classes == {"kühe": 4, "ziege": 4}


def test_bytes_that_are_no_text_are_refused(save):
    with pytest.raises(PareError, match=r"f\.npz: y holds bytes that are no text in UTF-8"):
        read(save(x=SERIES, y=np.char.encode(["kühe", "ziege"] * 4, "latin-1")))


def test_groups_that_are_text_in_one_part_only_are_refused(tmp_path):
    with pytest.raises(PareError, match="groups are text in one part and numbers in another"):
        read_grouped(tmp_path, train=np.repeat([1, 2, 3, 4], 2), test="22334455")


def test_parts_are_in_one_file_or_in_several(tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for part, rows in (("train", slice(0, 6)), ("test", slice(6, 8))):
            file[f"{part}/x"], file[f"{part}/y"] = SERIES[rows], CODES[rows]
            np.save(tmp_path / f"{part}_x.npy", SERIES[rows])
            np.savez(tmp_path / f"{part}.npz", x=SERIES[rows], y=CODES[rows])
    np.save(tmp_path / "train_y.npy", CODES[:6])
    np.save(tmp_path / "test_y.npy", CODES[6:])
    for names in (
        {part: {"x": f"{part}/x", "y": f"{part}/y", "file": "f.h5"} for part in ("train", "test")},
        {part: {"x": "x", "y": "y", "file": f"{part}.npz"} for part in ("train", "test")},
        {part: {"x": f"{part}_x.npy", "y": f"{part}_y.npy"} for part in ("train", "test")},
    ):
        parts = read(tmp_path, parts=names)
        assert {name: samples.count for name, samples in parts.items()} == {"train": 6, "test": 2}
        np.testing.assert_array_equal(all_rows(parts["test"])[0], SERIES[6:].astype(np.float32))
        np.testing.assert_array_equal(all_rows(parts["test"])[1], CODES[6:])


def with_value(value, row=5):
    changed = SERIES.copy()
    changed[row, 1, 2] = value
    return changed


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ({"x": SERIES, "y": CODES[:7]}, {}, r"x has 8 rows, and .*y has shape \(7,\)"),
        ({"x": SERIES.astype(str), "y": CODES}, {}, "x is text of shape .*expected numbers"),
        ({"x": SERIES + 1j, "y": CODES}, {}, "complex128.*imaginary part as two channels"),
        ({"x": np.zeros(8, [("u", float), ("v", float)]), "y": CODES}, {}, "fields u, v"),
        ({"x": np.zeros(8), "y": CODES}, {}, r"shape \(8,\); with channel_axis: first expected \(rows, channels"),
        ({"x": SERIES[:, 0], "y": CODES}, {"channel_axis": "last"}, r"expected \(rows, …grid, channels\)"),
        ({"x": np.zeros((0, 3, 4)), "y": CODES[:0]}, {}, r"shape \(0, 3, 4\)"),
        ({"x": SERIES, "z": CODES}, {}, "array 'y' is unknown.*Known: x, z"),
        ({"signal": SERIES, "y": CODES}, {}, "array 'x' is unknown"),
        ({"x": SERIES, "y": CODES + 0.5}, {}, r"y holds 0\.5 in row 1; a class is a whole number.*target: numbers"),
        ({"x": SERIES, "y": np.where(CODES == 2, np.nan, CODES)}, {}, "y holds nan in row 3"),
        ({"x": SERIES, "y": CODES + 1}, {}, "holds classes 1, 2, 3; expected 0 to 2 without a gap.*recode: true"),
        ({"x": SERIES, "y": CODES * 2}, {}, "holds classes 0, 2, 4; expected 0 to 2"),
        ({"x": SERIES, "y": CODES * 0}, {}, "the one class 0 in all 8 rows"),
        ({"x": SERIES, "y": np.eye(3)[CODES]}, {}, "one class a row"),
        ({"x": SERIES, "y": SERIES}, {"target": "numbers"}, r"y has shape \(8, 3, 10\); expected \(rows, numbers\)"),
        ({"x": SERIES, "y": CODES}, {"target": "field"}, "expected the axes of x"),
        ({"x": SERIES, "y": SERIES.astype(str)}, {"target": "field"}, "y is text"),
    ],
)
def test_what_is_wrong_is_told_exactly(save, content, options, message):
    with pytest.raises(PareError, match=message):
        read(save(**content), **options)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, r"x holds NaN, a missing value, in row 6 \(1 such of the rows 5 to 8\)"),
        (np.inf, "x holds infinity"),
        (1e300, "too large for 32 bits"),
    ],
)
def test_a_number_that_is_none_is_found_in_its_row(save, value, message):
    samples = read(save(x=with_value(value), y=CODES))["all"]
    samples.read(0, 4)
    with pytest.raises(PareError, match=message):
        samples.read(4, 8)


def test_features_without_order_may_be_missing(save):
    features = with_value(np.nan)[:, 1]
    x, _ = all_rows(read(save(x=features, y=CODES))["all"])
    np.testing.assert_array_equal(x, features.astype(np.float32))


def test_rows_of_different_lengths_are_refused(save):
    ragged = np.empty(8, object)
    ragged[:] = [np.zeros(i + 1) for i in range(8)]
    with pytest.raises(PareError, match=r"x is Python objects .*rows of different lengths.*pad them"):
        read(save(x=ragged, y=CODES))


PARTS = {part: {"x": f"{part}_x", "y": f"{part}_y"} for part in ("train", "test")}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_y": [0, 3]}, "row 2 of part test has class 3, which no train row has"),
        ({"test_x": SERIES[:2, :2]}, r"train_x of part train is .*test_x of part test is .*same shape"),
        ({"test_x": SERIES[:2].astype(int)}, "float64 .* is int64 .*same type"),
        ({"train_y": [1] * 6}, "expected 0 to 0|one class"),
        ({"train_y": [0] * 6}, "the one class 0"),
    ],
)
def test_parts_must_fit_each_other(save, changes, message):
    content = {"train_x": SERIES[:6], "train_y": CODES[:6], "test_x": SERIES[6:], "test_y": CODES[6:]}
    with pytest.raises(PareError, match=message):
        read(save(**(content | {name: np.asarray(value) for name, value in changes.items()})), parts=PARTS)


def test_the_width_of_a_type_does_not_matter(save):
    content = {"train_x": SERIES[:6], "train_y": CODES[:6], "test_x": SERIES[6:].astype("f4"), "test_y": CODES[6:]}
    assert read(save(**content), parts=PARTS)["test"].count == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"x": "x", "y": "y", "file": "g.npz"}, r"file 'g\.npz' is unknown.*'f\.npz'"),
        ({"x": "x.npy", "y": "y.npy"}, r"file 'x\.npy' is unknown"),
        ({"x": "x", "y": "y", "file": "../f.npz"}, "no plain file name"),
        ({"x": "x", "y": "y", "key": "z"}, "key"),
        ({"x": "x"}, "y: Field required"),
    ],
)
def test_names_of_files_are_checked(save, names, message):
    with pytest.raises(PareError, match=message):
        read(save(x=SERIES, y=CODES), parts={"all": names})


def test_a_fill_without_a_length_is_refused(save):
    with pytest.raises(PareError, match="'fill' follows series that are padded; say 'points'"):
        read(save(x=SERIES, y=CODES), fill=[0.0])


def test_of_several_files_one_must_be_named(save, tmp_path):
    save(x=SERIES, y=CODES)
    np.savez(tmp_path / "g.npz", x=SERIES, y=CODES)
    with pytest.raises(PareError, match=r"holds f\.npz, g\.npz; name the one that holds 'x'"):
        read(tmp_path)


def test_memory_stays_flat_while_rows_are_read(tmp_path):
    import tracemalloc

    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_dataset("x", shape=(4000, 1, 2000), dtype="f4", chunks=(10, 1, 2000), fillvalue=1)
        file["y"] = np.arange(4000) % 2
    tracemalloc.start()
    samples = read(tmp_path)["all"]
    for start in range(0, 4000, 100):
        samples.read(start, start + 100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6  # the file unpacks to 32 MB
