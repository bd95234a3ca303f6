"""Pickles of publishers are read; pickles that ask for more are refused before they run."""

import io
import pickle
import struct
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.data.formats import pickles as module_under_test
from pare.data.formats.pickles import entries, load_object_array, load_pickle
from publisher_pickles import Shell, numpy1_object_npy, numpy1_pickle, python2_pickle

CONTENT = {
    "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "empty": np.zeros((0, 3), np.int16),
    "names": np.array(["ab", "c"]),
    "ragged": np.array([np.arange(3), np.arange(5)], dtype=object),
    "numpy": [np.float64(3.5), np.int16(-2), np.bool_(True), np.str_("x")],
    "python": (1, 2.5, b"bytes", b"", "text", None, {1, 2}, frozenset([3])),
}


def assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, list | tuple) or (isinstance(expected, np.ndarray) and expected.dtype == object):
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        np.testing.assert_array_equal(found, expected)
        assert getattr(found, "dtype", None) == getattr(expected, "dtype", None)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_numbers_text_and_containers_come_back_whatever_the_protocol(protocol):
    assert_same(load_pickle(io.BytesIO(pickle.dumps(CONTENT, protocol))), CONTENT)


def test_pickles_of_numpy_1_and_of_python_2_come_back():
    assert_same(load_pickle(io.BytesIO(numpy1_pickle(CONTENT))), CONTENT)
    old = {"labels": [3, 70_000, -1], "data": np.arange(256, dtype=np.uint8).reshape(2, 128), "name": "batch 1"}
    assert_same(load_pickle(io.BytesIO(python2_pickle(old))), old)


def test_numbers_of_the_other_byte_order_are_read_as_numpy_reads_them():
    content = pickle.dumps(np.arange(4, dtype=">f4"))
    assert_same(load_pickle(io.BytesIO(content)), pickle.loads(content))


def test_an_array_that_was_loaded_is_an_ordinary_one(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(CONTENT))
    loaded = load_pickle(tmp_path / "a.pkl")
    assert_same(pickle.loads(pickle.dumps(loaded)), CONTENT)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_the_shell_is_refused_and_nothing_runs(tmp_path, protocol):
    marker = tmp_path / "marker"
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"data": [Shell(marker)]}, protocol))
    with pytest.raises(PareError, match=r"bad.pkl asks Python for (posix|nt).system.*nothing in it was executed"):
        load_pickle(tmp_path / "bad.pkl")
    assert not marker.exists()


def test_an_object_array_that_calls_the_shell_is_refused_and_nothing_runs(tmp_path):
    marker = tmp_path / "marker"
    np.save(tmp_path / "bad.npy", np.array([Shell(marker)], dtype=object), allow_pickle=True)
    with pytest.raises(PareError, match=r"bad.npy asks Python for (posix|nt).system.*nothing in it was executed"):
        load_object_array(tmp_path / "bad.npy")
    assert not marker.exists()


@pytest.mark.parametrize(
    "module, name",
    [
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("builtins", "bytearray"),
        ("numpy", "load"),
        ("numpy", "memmap"),
        ("numpy._core.multiarray", "fromfile"),
        ("pandas._libs.internals", "_unpickle_block"),
        ("numpy", "ndarray.tofile"),
    ],
)
def test_everything_but_the_few_names_is_refused(module, name):
    def text(value):
        return b"\x8c" + bytes([len(value)]) + value.encode()

    with pytest.raises(PareError, match=f"asks Python for {module}.{name}"):
        load_pickle(io.BytesIO(b"\x80\x04" + text(module) + text(name) + b"\x93."))


class Hidden:
    """Pickles to an object array of one pointer, whose type denies that it holds pointers."""

    class Dtype:
        def __reduce__(self):
            return np.dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0)

    def __reduce__(self):
        state = (1, (1,), Hidden.Dtype(), False, b"\x41" * 8)
        return np.zeros(0).__reduce__()[0], (np.ndarray, (0,), b"b"), state


def test_a_type_that_hides_its_pointers_is_not_believed():
    with pytest.raises(PareError, match="other content"):
        load_pickle(io.BytesIO(pickle.dumps(Hidden())))


def forged(array, shape):
    """A pickle of the array that claims another shape."""
    _, arguments, state = array.__reduce__()

    class Forged:
        def __reduce__(self):
            return array.__reduce__()[0], arguments, (state[0], shape, *state[2:])

    return io.BytesIO(pickle.dumps(Forged(), 2))


@pytest.mark.parametrize("array", [np.zeros(3), np.array([None])], ids=["numbers", "objects"])
@pytest.mark.parametrize("shape", [(10**15,), (2,), (-1, -3), (0,)])
def test_an_array_is_as_large_as_its_content_whatever_it_claims(array, shape):
    with pytest.raises(PareError, match="is damaged"):
        load_pickle(forged(array, shape))


def test_a_class_of_arrays_cannot_be_called_from_a_pickle():
    # numpy.ndarray as a function: shape, type
    call = b"\x80\x02cnumpy\nndarray\nK\x05U\x01O\x86R."
    with pytest.raises(PareError, match="is damaged"):
        load_pickle(io.BytesIO(call))


def shared(levels, width=10):
    content = [0] * width
    for _ in range(levels):
        content = [content] * width
    return content


def test_few_bytes_do_not_become_countless_elements():
    for content in (shared(7), tuple(shared(7)), {"a": np.array([None, shared(7)], dtype=object)}):
        stream = io.BytesIO(pickle.dumps(content))
        tracemalloc.start()
        with pytest.raises(PareError, match=r"mentions \d+ elements so often"):
            load_pickle(stream)
        assert tracemalloc.get_traced_memory()[1] < 10**6
        tracemalloc.stop()


def test_what_is_mentioned_often_in_earnest_comes_back_and_stays_one():
    row = ["a", "b"]
    content = {"rows": [row] * 1000, "first": row}
    loaded = load_pickle(io.BytesIO(pickle.dumps(content)))
    assert loaded == content
    assert all(found is loaded["first"] for found in loaded["rows"])


@pytest.mark.parametrize("place", [2**28, 2**31 - 1])
def test_a_place_with_a_high_number_takes_no_memory(place):
    content = b"]r" + struct.pack("<I", place) + b"."
    code = f"from pare.data.formats.pickles import load_pickle; import io; print(load_pickle(io.BytesIO({content!r})))"
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9,) * 2); {code}"
    assert subprocess.check_output([sys.executable, "-c", limited], text=True).strip() == "[]"


@pytest.mark.parametrize("name", [("numpy", "dtype"), ("numpy._core.multiarray", "_reconstruct"), ("builtins", "set")])
@pytest.mark.parametrize("state", [(None, {"__defaults__": (1, 1)}), {"leak": 1}])
def test_a_pickle_cannot_change_the_functions_that_read_it(name, state):
    module, attribute = name
    before = dict(vars(module_under_test._dtype)), module_under_test._dtype.__defaults__
    content = b"c" + f"{module}\n{attribute}\n".encode() + pickle.dumps(state, 0)[:-1] + b"b."
    with pytest.raises(PareError, match="only arrays and their types have a state"):
        load_pickle(io.BytesIO(content))
    assert (dict(vars(module_under_test._dtype)), module_under_test._dtype.__defaults__) == before


def test_structured_and_other_special_types_are_refused():
    for array in (np.zeros(2, "f4,i4"), np.zeros(2, "M8[s]"), np.zeros(2, "V3")):
        with pytest.raises(PareError, match="not read"):
            load_pickle(io.BytesIO(pickle.dumps(array)))


def test_a_pickle_cut_short_anywhere_says_so():
    content = numpy1_pickle(CONTENT)
    for length in range(len(content)):
        with pytest.raises(PareError, match=r"part.pkl is damaged or cut short .*--pipelines=ingest"):
            load_pickle(io.BytesIO(content[:length]), "part.pkl")


def test_a_missing_file_says_what_to_run(tmp_path):
    for load in (load_pickle, load_object_array):
        with pytest.raises(PareError, match=r"none.pkl cannot be opened .*--pipelines=ingest"):
            load(tmp_path / "none.pkl")


def test_object_arrays_of_numpy_1_and_2_come_back(tmp_path):
    new = io.BytesIO()
    np.save(new, np.array(CONTENT, dtype=object), allow_pickle=True)
    for content in (new.getvalue(), numpy1_object_npy(CONTENT)):
        (tmp_path / "a.npy").write_bytes(content)
        array = load_object_array(tmp_path / "a.npy")
        assert array.shape == () and array.dtype == object
        assert_same(array.item(), CONTENT)


def test_an_array_of_numbers_where_objects_are_expected_is_named(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 2)))
    with pytest.raises(PareError, match=r"holds float64 of shape \(3, 2\), expected objects"):
        load_object_array(tmp_path / "a.npy")


@pytest.mark.parametrize("content", [np.array([None, 1], dtype=object), {"data": 1}], ids=["another shape", "no array"])
def test_an_object_array_is_what_its_header_claims(content):
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (10**15,)}
    np.lib.format.write_array_header_1_0(stream, header)
    stream.write(pickle.dumps(content))
    stream.seek(0)
    with pytest.raises(
        PareError, match=r"huge.npy claims an array of shape \(1000000000000000,\), but holds (shape|dict)"
    ):
        load_object_array(stream, "huge.npy")


def test_an_object_array_cut_short_anywhere_says_so():
    content = numpy1_object_npy({"data": np.arange(3)})
    for length in range(len(content)):
        with pytest.raises(PareError, match="damaged"):
            load_object_array(io.BytesIO(content[:length]))


def test_entries_are_found_by_key_or_named_as_missing():
    assert entries({"b": 1, "a": 2, 3: 0}, ("a", "b"), "x.pkl") == [2, 1]
    with pytest.raises(PareError, match=r"x.pkl holds a dictionary with 3, b; expected a dictionary with a, b"):
        entries({"b": 1, 3: 0}, ("a", "b"), "x.pkl")
    with pytest.raises(PareError, match=r"x.pkl holds list; expected a dictionary with a"):
        entries([1], ("a",), "x.pkl")
