"""The archive of PSICOV, good, and damaged in the ways that users' archives are."""

import io
import pickle

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.paper.readers.proteins import protein_distances
from publisher_archives import read_zip, rewrite_zip, write_zip
from publisher_files import write_psicov

RESIDUE_FEATURES = [("ss", 3), ("pssm", 22), ("sa", 1), ("entropy", 1)]


def channels(features):
    """The 57 channels of a protein, by loops over residues: first index the row, second the column."""
    length = len(features["sa"])
    per_residue = []
    for name, count in RESIDUE_FEATURES:
        values = features[name].T if name == "pssm" else features[name].reshape(count, length)
        per_residue += list(values)
    expected = np.zeros((57, length, length))
    for i in range(length):
        for j in range(length):
            for c, values in enumerate(per_residue):
                expected[2 * c, i, j], expected[2 * c + 1, i, j] = values[j], values[i]
            expected[54:, i, j] = [features[name][i, j] for name in ("ccmpred", "freecon", "potential")]
    return expected


def repaired(distances):
    """Distances of at least 1 Å, and a diagonal from its neighbours, cell by cell."""
    expected = np.where(distances < 1, 1, distances)
    last = len(expected) - 1
    for i in range(1, last):
        expected[i, i] = (expected[i, i - 1] + expected[i, i + 1]) / 2
    expected[0, 0], expected[last, last] = expected[0, 1], expected[last, last - 1]
    return expected


def with_distances(distances):
    """A change for `rewrite_zip`: another distance map of the first training protein."""
    triple, stream = np.empty(3, object), io.BytesIO()
    triple[:] = len(distances), "A" * len(distances), distances
    np.save(stream, triple, allow_pickle=True)
    return lambda name, content: stream.getvalue() if name == "deepcov/distance/d0xyA-cb.npy" else content


def with_features(**values):
    """A change for `rewrite_zip`: other features of the first training protein."""

    def change(name, content):
        if name != "deepcov/features/d0xyA.pkl":
            return content
        return pickle.dumps({k: v for k, v in (pickle.loads(content) | values).items() if v is not None})

    return change


def test_a_protein_is_placed_behind_a_border_with_57_channels_and_repaired_distances(tmp_path):
    written = write_psicov(tmp_path, rows=3)
    for part, dataset, cap in (("train", "deepcov", 16), ("test", "psicov", np.inf)):
        samples = protein_distances(tmp_path, canvas=72)[part]
        assert samples.count == 3 and len(samples.columns) == 57
        x, y = samples.read(1, 3)
        assert x.shape == (2, 57, 72, 72) and y.shape == (2, 1, 72, 72) and x.dtype == y.dtype == np.float32
        for i, protein in enumerate(written[dataset][1:]):
            n = len(protein["distances"])
            block = slice(5, 5 + n)
            np.testing.assert_allclose(x[i, :, block, block], channels(protein["features"]), rtol=1e-6)
            expected = np.minimum(repaired(protein["distances"]), cap)
            np.testing.assert_allclose(y[i, 0, block, block], expected, rtol=1e-6)
            outside = np.ones((72, 72), bool)
            outside[block, block] = False
            assert (x[i][:, outside] == 0).all() and np.isnan(y[i, 0][outside]).all()


def test_only_training_distances_are_cut(tmp_path):
    write_psicov(tmp_path)
    parts = protein_distances(tmp_path, canvas=72)
    train, test = (np.nanmax(parts[part].read(0, 12)[1]) for part in ("train", "test"))
    assert train == 16 and test > 16


def test_names_of_channels_say_which_residue(tmp_path):
    write_psicov(tmp_path, rows=1)
    samples = protein_distances(tmp_path, canvas=72)["train"]
    x = samples.read(0, 1)[0][0, :, 5:45, 5:45]  # the shortest protein has 40 residues
    for name in ("ss_0", "pssm_21", "entropy"):
        second, first = (x[samples.columns.index(f"{name}_{which}")] for which in ("second", "first"))
        np.testing.assert_array_equal(second, first.T)
        assert (second == second[0]).all()


def test_training_targets_may_have_a_distance_outside_the_protein_but_test_targets_never(tmp_path):
    write_psicov(tmp_path, rows=2)
    parts = protein_distances(tmp_path, canvas=72, padding_target=16)
    y = parts["train"].read(0, 2)[1]
    assert np.isfinite(y).all() and (y[:, 0, :5] == 16).all() and (y[:, 0, 66:] == 16).all()
    assert np.isnan(parts["test"].read(0, 2)[1][:, 0, :5]).all()


def test_a_long_protein_is_cropped_on_the_diagonal_where_rows_and_columns_are_the_same_residues(tmp_path):
    written = write_psicov(tmp_path, rows=6, lengths=(60, 90))
    samples = protein_distances(tmp_path, canvas=32)["train"]
    x, y = samples.read(0, 6)
    starts = []
    for i, protein in enumerate(written["deepcov"]):
        n = len(protein["distances"])
        full_x, full_y = np.zeros((57, n + 10, n + 10)), np.full((n + 10, n + 10), np.nan)
        full_x[:, 5:-5, 5:-5] = channels(protein["features"])
        full_y[5:-5, 5:-5] = np.minimum(repaired(protein["distances"]), 16)
        fits = [
            s
            for s in range(n + 10 - 32 + 1)
            if np.allclose(full_y[s : s + 32, s : s + 32], y[i, 0], rtol=1e-5, equal_nan=True)
            and np.allclose(full_x[:, s : s + 32, s : s + 32], x[i], rtol=1e-5)
        ]
        assert len(fits) == 1
        starts += fits
    assert len(set(starts)) > 1


def test_a_crop_belongs_to_the_protein_and_the_seed(tmp_path):
    write_psicov(tmp_path, rows=4, lengths=(60, 90))
    part = protein_distances(tmp_path, canvas=32)["train"]
    np.testing.assert_array_equal(part.read(0, 4)[1][2:3], part.read(2, 3)[1])
    again = protein_distances(tmp_path, canvas=32)["train"].read(0, 4)[1]
    np.testing.assert_array_equal(part.read(0, 4)[1], again)
    other = protein_distances(tmp_path, canvas=32, seed=1)["train"].read(0, 4)[1]
    assert not np.array_equal(again, other, equal_nan=True)


def test_a_feature_that_was_not_observed_is_zero_and_an_unknown_distance_masked(tmp_path):
    written = write_psicov(tmp_path, rows=2)
    features = written["deepcov"][0]["features"]
    ccmpred = features["ccmpred"].copy()
    ccmpred[3, 7] = np.nan
    distances = written["deepcov"][0]["distances"].copy()
    distances[10, 30] = np.nan

    rewrite_zip(tmp_path / "protein.zip", with_distances(distances))
    rewrite_zip(tmp_path / "protein.zip", with_features(ccmpred=ccmpred))
    x, y = protein_distances(tmp_path, canvas=72)["train"].read(0, 1)
    assert x[0, 54, 5 + 3, 5 + 7] == 0 and np.isnan(y[0, 0, 15, 35]) and np.isfinite(y[0, 0, 15, 34])


def test_a_folder_around_everything_makes_no_difference(tmp_path):
    write_psicov(tmp_path, rows=2)
    expected = protein_distances(tmp_path, canvas=72)["test"].read(0, 2)
    members = {f"protein/{name}": content for name, content in read_zip(tmp_path / "protein.zip").items()}
    write_zip(tmp_path / "protein.zip", members)
    for a, b in zip(protein_distances(tmp_path, canvas=72)["test"].read(0, 2), expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda name, content: None if name == "deepcov.lst" else content, "no deepcov.lst; expected one"),
        (lambda name, content: b"\n" if name == "psicov.lst" else content, "psicov.lst lists no protein"),
        (
            lambda name, content: None if "features/p0" in name else content,
            "lacks psicov/features/p0xyA.pkl",
        ),
    ],
)
def test_an_archive_that_lacks_something_is_refused_on_opening(tmp_path, change, message):
    write_psicov(tmp_path, rows=2)
    rewrite_zip(tmp_path / "protein.zip", change)
    with pytest.raises(PareError, match=message):
        protein_distances(tmp_path)


@pytest.mark.parametrize(
    "change, message",
    [
        (with_features(sa=None), "d0xyA.pkl holds a dictionary with .*; expected .* sa"),
        (with_features(pssm=np.zeros((22, 50))), r"d0xyA.pkl: pssm is float64 \(22, 50\); expected numbers"),
        (with_features(entropy="high"), r"d0xyA.pkl: entropy is str"),
        (lambda name, content: content[:90] if "d0xyA.pkl" in name else content, "d0xyA.pkl is damaged or cut short"),
        (lambda name, content: content[:90] if "d0xyA-cb" in name else content, "d0xyA-cb.npy"),
    ],
)
def test_a_damaged_protein_is_named_on_reading(tmp_path, change, message):
    write_psicov(tmp_path, rows=2)
    rewrite_zip(tmp_path / "protein.zip", change)
    with pytest.raises(PareError, match=message):
        protein_distances(tmp_path, canvas=72)["train"].read(0, 1)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_feature_is_refused(tmp_path, value):
    written = write_psicov(tmp_path, rows=2)
    entropy = written["deepcov"][0]["features"]["entropy"].copy()
    entropy[2] = value
    rewrite_zip(tmp_path / "protein.zip", with_features(entropy=entropy))
    with pytest.raises(PareError, match=r"protein.zip: a feature of deepcov is not finite in row 1"):
        protein_distances(tmp_path, canvas=72)["train"].read(0, 2)


def test_an_infinite_distance_is_refused(tmp_path):
    written = write_psicov(tmp_path, rows=2)
    distances = written["deepcov"][0]["distances"].copy()
    distances[3, 5] = np.inf

    rewrite_zip(tmp_path / "protein.zip", with_distances(distances))
    message = r"protein.zip: the distance map of deepcov/distance/d0xyA-cb.npy is not finite in row 4"
    with pytest.raises(PareError, match=message):
        protein_distances(tmp_path, canvas=72)["train"].read(0, 1)


def test_a_pickle_that_would_run_a_command_is_refused(tmp_path):
    write_psicov(tmp_path, rows=2)
    command = b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR."
    rewrite_zip(tmp_path / "protein.zip", lambda name, content: command if "features/d0" in name else content)
    with pytest.raises(PareError, match=r"d0xyA.pkl asks Python for os.system"):
        protein_distances(tmp_path, canvas=72)["train"].read(0, 1)
    assert not (tmp_path / "ran").exists()
