"""Pickles as old versions of Python and numpy wrote them, without any code of the project."""

import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pare.config import PareError


class Shell:
    """Pickles to a call of the shell that would make a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.marker}",)


def python2_pickle(content: object) -> bytes:
    """What ``cPickle.dumps(content, 2)`` of Python 2 wrote for dictionaries, lists, text, whole numbers and bytes."""
    return b"\x80\x02" + _python2(content) + b"."


def _python2(content: object) -> bytes:
    match content:
        case dict():
            return b"}(" + b"".join(_python2(key) + _python2(value) for key, value in content.items()) + b"u"
        case list():
            return b"](" + b"".join(map(_python2, content)) + b"e"
        case int():
            return b"J" + content.to_bytes(4, "little", signed=True)
        case str():
            return b"U" + bytes([len(content)]) + content.encode("ascii")
        case np.ndarray(dtype=np.uint8):
            shape = b"(" + b"".join(map(_python2, content.shape)) + b"t"
            dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
            raw = content.tobytes()
            return b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01" + (
                shape + dtype + b"\x89T" + len(raw).to_bytes(4, "little") + raw + b"tb"
            )
    raise TypeError(type(content))


def numpy1_pickle(content: object) -> bytes:
    """What ``pickle.dumps(content)`` of Python 3.7 with numpy 1 wrote."""
    return pickle.dumps(content, 3).replace(b"numpy._core", b"numpy.core")


def numpy1_object_npy(content: object) -> bytes:
    """What ``numpy.save`` of Python 3.7 with numpy 1 wrote for an object that is no array."""
    array = np.array(content, dtype=object)
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + numpy1_pickle(array)


def check_nothing_runs(reader: Callable, write: Callable, folder: Path, message: str) -> None:
    """A reader refuses a file that would call the shell, and the call is not made."""
    write(folder, Shell(folder / "marker"))
    with pytest.raises(PareError, match=rf"{message} .*nothing in it was executed"):
        reader(folder)
    assert not (folder / "marker").exists()
