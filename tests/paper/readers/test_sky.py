"""The archives of Cosmic, good, and damaged in the ways that users' archives are."""

import io
import tarfile

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.paper.readers.sky import cosmic_rays
from publisher_files import write_cosmic

ALL = slice(64, 192)


def rewrite(path, change, mode="w"):
    """Write an archive anew; ``change(name, array)`` gives another array, or None to leave a member out."""
    with tarfile.open(path) as archive:
        members = {m.name: np.load(io.BytesIO(archive.extractfile(m).read())) for m in archive.getmembers()}
    with tarfile.open(path, mode) as archive:
        for name, array in members.items():
            changed = change(name, array)
            if changed is not None:
                stream = io.BytesIO()
                np.save(stream, changed, allow_pickle=True)
                member = tarfile.TarInfo(name)
                member.size = stream.tell()
                stream.seek(0)
                archive.addfile(member, stream)


def by_mask(written, mask):
    """Name and planes of the image that a mask was cut from, found by comparing with every image."""
    found = []
    for name, planes in written.items():
        if name != "sky":
            valid = planes[2, ALL, ALL] == 0 if len(planes) == 3 else 1
            if np.array_equal(np.nan_to_num(mask), planes[1, ALL, ALL] * valid):
                found.append((name, planes))
    assert len(found) == 1
    return found[0]


def test_test_rows_are_the_middle_of_each_image_with_its_mask_and_every_image_is_there_once(tmp_path):
    written = write_cosmic(tmp_path)["test"]
    samples = cosmic_rays(tmp_path)["test"]
    x, y = samples.read(0, samples.count)
    assert x.shape == y.shape == (12, 1, 128, 128) and x.dtype == y.dtype == np.float32
    seen = set()
    for image, mask in zip(x[:, 0], y[:, 0], strict=True):
        name, planes = by_mask(written, mask)
        np.testing.assert_array_equal(image, planes[0, ALL, ALL])
        seen.add(name)
    assert seen == set(written) - {"sky"}


def test_ignored_pixels_are_masked_and_without_that_plane_none_is(tmp_path):
    written = write_cosmic(tmp_path)["test"]
    _, y = cosmic_rays(tmp_path)["test"].read(0, 12)
    planes_seen = set()
    for mask in y[:, 0]:
        _, planes = by_mask(written, mask)
        planes_seen.add(len(planes))
        expected = planes[2, ALL, ALL] != 0 if len(planes) == 3 else np.zeros((128, 128), bool)
        np.testing.assert_array_equal(np.isnan(mask), expected)
    assert planes_seen == {2, 3}


def test_a_training_image_gets_between_minus_0_9_and_3_times_its_own_sky(tmp_path):
    written = write_cosmic(tmp_path, rows=24)["train"]
    x, y = cosmic_rays(tmp_path)["train"].read(0, 24)
    shares = []
    for image, mask in zip(x[:, 0], y[:, 0], strict=True):
        name, planes = by_mask(written, mask)
        program, visit, file = name.split("/")
        added = image.astype(float) - planes[0, ALL, ALL]
        assert np.ptp(added) < 1e-3  # the same everywhere
        shares.append(added.mean() / written["sky"][f"{program}/{visit}"][int(file.split("_")[0]) - 1])
    assert -0.9 <= min(shares) < 0 and 1.5 < max(shares) < 3
    assert len(set(np.round(shares, 4))) == 24


def test_a_row_is_the_same_however_it_is_read_and_another_with_another_seed(tmp_path):
    write_cosmic(tmp_path)
    whole = cosmic_rays(tmp_path)["train"].read(0, 12)
    for a, b in zip(cosmic_rays(tmp_path)["train"].read(5, 7), whole, strict=True):
        np.testing.assert_array_equal(a, b[5:7])
    assert not np.array_equal(cosmic_rays(tmp_path, seed=1)["train"].read(0, 12)[0], whole[0])


def test_test_images_get_a_sky_only_on_demand(tmp_path):
    write_cosmic(tmp_path)
    plain, with_sky = (cosmic_rays(tmp_path, test_sky=sky)["test"].read(0, 12) for sky in (False, True))
    difference = with_sky[0].astype(float) - plain[0]
    assert (np.abs(difference).max((1, 2, 3)) > 0).all() and np.ptp(difference, axis=(1, 2, 3)).max() < 1e-3
    np.testing.assert_array_equal(plain[1], with_sky[1])


def test_visits_choose_images_and_the_first_rows_come_from_all_of_them(tmp_path):
    written = write_cosmic(tmp_path)
    chosen = cosmic_rays(tmp_path, visits=["9490_a3", "12513_2"])
    for part, visit in (("train", "9490/a3"), ("test", "12513/2")):
        y = chosen[part].read(0, chosen[part].count)[1]
        assert chosen[part].count == 6
        assert all(by_mask(written[part], mask)[0].startswith(visit) for mask in y[:, 0])
    first = cosmic_rays(tmp_path)["train"].read(0, 6)[1]
    assert len({by_mask(written["train"], mask)[0].rpartition("/")[0] for mask in first[:, 0]}) == 2


def test_an_unknown_visit_is_answered_with_the_ones_that_are_there(tmp_path):
    write_cosmic(tmp_path)
    with pytest.raises(PareError, match=r"visit 10760_9 .* some of: 10760_2, 12513_2, 9490_a3, 9694_6"):
        cosmic_rays(tmp_path, visits=["10760_2", "10760_9"])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda a: a[:1], r"has shape \(1, 256, 256\); expected 2 or 3 planes"),
        (lambda a: a[:, :180], r"has shape \(\d, 180, 256\)"),
        (lambda a: a * 2, "holds other numbers than 0 and 1"),
        (lambda a: a.astype(object), "holds pickled Python objects, expected numbers; it was refused"),
    ],
)
def test_an_image_unlike_the_publishers_is_refused_on_reading(tmp_path, change, message):
    write_cosmic(tmp_path, rows=2)
    path = tmp_path / "deepCR.ACS-WFC.test.tar"
    rewrite(path, lambda name, array: array if "sky" in name else change(array))
    with pytest.raises(PareError, match=message):
        cosmic_rays(tmp_path)["test"].read(0, 2)


def test_an_image_that_is_not_finite_is_refused_on_reading(tmp_path):
    write_cosmic(tmp_path, rows=2)

    def spoil(name, array):
        if "sky" not in name:
            array[0, 100, 100] = np.nan
        return array

    rewrite(tmp_path / "deepCR.ACS-WFC.test.tar", spoil)
    with pytest.raises(PareError, match=r"test.tar: an image is not finite in row 2"):
        cosmic_rays(tmp_path)["test"].read(1, 2)


@pytest.mark.parametrize("levels", [None, np.ones(0), np.ones((4, 2))])
def test_an_exposure_without_a_sky_level_is_named(tmp_path, levels):
    write_cosmic(tmp_path, rows=2)
    rewrite(tmp_path / "deepCR.ACS-WFC.train.tar", lambda name, array: levels if "sky" in name else array)
    with pytest.raises(PareError, match=r"sky.npy of visit \w+ has no level for npy_train/f435w/"):
        cosmic_rays(tmp_path)["train"].read(0, 2)


def test_archives_that_are_missing_compressed_cut_or_of_another_filter_say_so(tmp_path):
    with pytest.raises(PareError, match=r"no file deepCR.ACS-WFC.train.tar .*--pipelines=ingest"):
        cosmic_rays(tmp_path)
    write_cosmic(tmp_path, rows=2)
    path = tmp_path / "deepCR.ACS-WFC.test.tar"
    whole = path.read_bytes()
    with tarfile.open(path) as archive:
        between = archive.getmembers()[2].offset
    for end in (between, between + 100, between + 2000, len(whole) // 2):
        path.write_bytes(whole[:end])
        with pytest.raises(PareError, match=r"test.tar cannot be read as an archive"):
            cosmic_rays(tmp_path)
    path.write_bytes(whole)
    with tarfile.open(path, "a") as archive:
        sparse = tarfile.TarInfo("sparse")
        sparse.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": "0"}
        archive.addfile(sparse)
    with pytest.raises(PareError, match=r"test.tar cannot be read as an archive .*sparse"):
        cosmic_rays(tmp_path)
    path.write_bytes(whole)
    rewrite(path, lambda _, array: array, mode="w:gz")
    with pytest.raises(PareError, match=r"test.tar cannot be read as an archive"):
        cosmic_rays(tmp_path)
    path.write_bytes(whole)
    rewrite(path, lambda name, array: None if "f435w" in name else array)
    with pytest.raises(PareError, match=r"test.tar holds no f435w"):
        cosmic_rays(tmp_path)
