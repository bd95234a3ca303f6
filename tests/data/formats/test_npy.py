"""numpy's files are mapped, and believed no further than their bytes go."""

import io
import shutil
import struct
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.data.formats.npy import map_npy, map_npz, read_npy_header
from publisher_pickles import Shell

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def header(shape, descr="<f4"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


@pytest.mark.parametrize(
    "array", [ARRAY, np.asfortranarray(ARRAY), ARRAY.astype(">i2"), ARRAY > 3, np.float64(7), np.empty((0, 3))]
)
def test_an_array_is_mapped_as_it_was_saved(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    mapped = map_npy(tmp_path / "a.npy")
    np.testing.assert_array_equal(mapped, array)
    assert mapped.dtype == array.dtype and mapped.shape == array.shape
    assert array.size == 0 or isinstance(mapped, np.memmap)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_members_of_an_archive_are_mapped_and_leave_no_file_behind(tmp_path, save):
    save(tmp_path / "a.npz", x=ARRAY, y=np.arange(5), z=np.empty((0, 2)))
    mapped = map_npz(tmp_path / "a.npz", ("y", "x", "z"))
    np.testing.assert_array_equal(mapped["x"], ARRAY)
    np.testing.assert_array_equal(mapped["y"], np.arange(5))
    assert isinstance(mapped["x"], np.memmap) and mapped["z"].shape == (0, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_objects_are_refused_and_nothing_runs(tmp_path):
    marker = tmp_path / "marker"
    bad = np.array([Shell(marker)], dtype=object)
    np.save(tmp_path / "bad.npy", bad, allow_pickle=True)
    np.savez(tmp_path / "bad.npz", x=bad, allow_pickle=True)
    np.savez_compressed(tmp_path / "small.npz", x=bad, allow_pickle=True)
    message = "holds pickled Python objects, expected numbers; it was refused and nothing in it was executed"
    with pytest.raises(PareError, match=rf"bad.npy {message}"):
        map_npy(tmp_path / "bad.npy")
    for name in ("bad.npz", "small.npz"):
        with pytest.raises(PareError, match=rf"{name}: x.npy {message}"):
            map_npz(tmp_path / name, ("x",))
    assert not marker.exists()


def test_text_is_not_a_number(tmp_path):
    np.save(tmp_path / "a.npy", np.array(["a"]))
    with pytest.raises(PareError, match="holds type <U1, expected numbers"):
        map_npy(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(10**15,), (7,), (-2, -3), (5,)])
def test_an_array_is_as_large_as_its_bytes_whatever_its_header_claims(tmp_path, shape):
    (tmp_path / "a.npy").write_bytes(header(shape) + bytes(24))
    with pytest.raises(PareError, match=r"a.npy claims shape .* of float32, \d+ bytes, but holds 24: it is damaged"):
        map_npy(tmp_path / "a.npy")


def test_a_member_is_as_large_as_its_bytes_whatever_its_header_claims(tmp_path):
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / "a.npz", "w", compression) as archive:
            archive.writestr("x.npy", header((10**15,)) + bytes(24))
        with pytest.raises(PareError, match=r"a.npz: x.npy claims shape \(1000000000000000,\) .* but holds 24"):
            map_npz(tmp_path / "a.npz", ("x",))


def claiming(path, size):
    """An archive with one compressed array, whose index claims another size of it."""
    np.savez_compressed(path, x=np.zeros(2000))
    with zipfile.ZipFile(path) as archive:
        found = archive.infolist()[0].file_size
    content = path.read_bytes()
    index = content.rindex(struct.pack("<I", found))
    path.write_bytes(content[:index] + struct.pack("<I", size) + content[index + 4 :])
    return path


def test_an_array_that_there_is_no_room_for_is_not_unpacked(tmp_path, monkeypatch):
    path = claiming(tmp_path / "a.npz", 4_000_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=3_999_999_999))
    with pytest.raises(PareError, match=r"a.npz: x.npy claims 4000000000 bytes unpacked, .* and 3999999999 are free"):
        map_npz(path, ("x",))


def test_a_header_of_absurd_length_is_not_read():
    class Counting(io.BytesIO):
        read_bytes = 0

        def read(self, size=-1):
            content = super().read(size)
            self.read_bytes += len(content)
            return content

    stream = Counting(b"\x93NUMPY\x02\x00" + struct.pack("<I", 10**9) + b" " * 100_000)
    with pytest.raises(PareError, match="claims 1000000000 bytes, numpy writes at most 10000"):
        read_npy_header(stream, "a.npy")
    assert stream.read_bytes < 100


def test_a_long_header_of_version_2_is_read():
    stream = io.BytesIO()
    np.lib.format.write_array_header_2_0(stream, {"descr": "<f8", "fortran_order": True, "shape": (3, 4)})
    stream.seek(0)
    assert read_npy_header(stream, "a.npy") == ((3, 4), True, np.dtype("<f8"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>not found</html>",
        b"\x93NUMPY\x09\x00" + bytes(200),
        header((3,)).replace(b"descr", b"descX"),
        header((3,)).replace(b"(3,)", b"([,)"),
        header((3,)).replace(b"(3,)", b"'3' "),
    ],
)
def test_what_is_no_array_is_named_as_such(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(PareError, match=r"a.npy is not a numpy array, or damaged .*--pipelines=ingest"):
        map_npy(tmp_path / "a.npy")


def test_files_cut_short_anywhere_say_so(tmp_path):
    np.savez(tmp_path / "whole.npz", x=ARRAY)
    np.save(tmp_path / "whole.npy", ARRAY)
    for name, load in (("whole.npy", map_npy), ("whole.npz", lambda path: map_npz(path, ("x",)))):
        content = (tmp_path / name).read_bytes()
        for length in range(0, len(content), 7):
            (tmp_path / "part").write_bytes(content[:length])
            with pytest.raises(PareError, match=r"part .*--pipelines=ingest"):
                load(tmp_path / "part")


def test_a_compressed_member_with_a_wrong_checksum_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.random.default_rng(0).random(1000))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[3000] ^= 255
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(PareError, match=r"a.npz cannot be read as a zip archive .*--pipelines=ingest"):
        map_npz(tmp_path / "a.npz", ("x",))


def test_missing_files_and_arrays_are_named(tmp_path):
    with pytest.raises(PareError, match=r"none.npy cannot be opened .*--pipelines=ingest"):
        map_npy(tmp_path / "none.npy")
    with pytest.raises(PareError, match=r"none.npz cannot be read .*--pipelines=ingest"):
        map_npz(tmp_path / "none.npz", ("x",))
    np.savez(tmp_path / "a.npz", x=ARRAY, z=ARRAY)
    with pytest.raises(PareError, match=r"a.npz lacks y and w; it holds x, z"):
        map_npz(tmp_path / "a.npz", ("x", "y", "w"))
