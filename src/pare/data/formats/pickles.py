"""Reading pickles from strangers without running what they say.

A pickle is a program: it may ask Python to import any function and to call it. Published datasets need numpy
arrays, numbers, text and containers only, so only those can be asked for here, and each is rebuilt by code of this
module: numpy's own would believe a type that hides its pointers, and follow them.
"""

import math
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pare.config.errors import PareError
from pare.data.files import FETCH_AGAIN
from pare.data.formats.npy import Stream, read_npy_header

_NDARRAY = "numpy.ndarray"  # instead of the class, which a pickle could otherwise call
_MOST_SHARED, _FREE = 100, 10_000  # how often each element may be mentioned on average, beyond some that may be anyway


def load_pickle(source: Path | Stream, name: str | None = None) -> Any:
    """Load numpy arrays, numbers, text and builtin containers from a pickle, of Python 2 or 3; nothing else.

    Byte strings of Python 2 become text, byte for byte (latin-1). The content is in memory as a whole.

    Args:
        source: a file, or an open stream such as a member of an archive.
        name: what messages call a stream, e.g. archive and member.

    Returns:
        The content; arrays are plain ``numpy.ndarray``.

    Raises:
        PareError: if the pickle asks for anything else, naming it; if it is missing, damaged or cut short.
    """
    with _opened(source, name) as (stream, shown):
        try:
            return _plain(_Unpickler(stream, shown).load())
        except PareError:
            raise
        except Exception as error:  # a damaged pickle can fail in as many ways as a program
            raise PareError(
                f"{shown} is damaged or cut short ({type(error).__name__}: {error}). {FETCH_AGAIN}"
            ) from error


def load_object_array(source: Path | Stream, name: str | None = None) -> np.ndarray:
    """Load an array of Python objects from an ``.npy`` file, which holds it as a pickle; see `load_pickle`.

    Args:
        source: a file, or an open stream such as a member of an archive.
        name: what messages call a stream.

    Returns:
        The array; one that ``numpy.save`` made of a dictionary has shape ``()``.

    Raises:
        PareError: if it holds numbers, or something else than its header claims; and as `load_pickle`.
    """
    with _opened(source, name) as (stream, shown):
        shape, _, dtype = read_npy_header(stream, shown)
        if not dtype.hasobject:
            raise PareError(f"{shown} holds {dtype} of shape {shape}, expected objects. Put the publisher's file there")
        array = load_pickle(stream, shown)
    found = f"shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
    if found != f"shape {shape}":
        raise PareError(f"{shown} claims an array of shape {shape}, but holds {found}: it is damaged. {FETCH_AGAIN}")
    return array


def entries(content: Any, names: tuple[str, ...], name: str) -> list[Any]:
    """The values of those keys in a dictionary that was unpickled from ``name``.

    Raises:
        PareError: if it is no dictionary, or lacks a key.
    """
    held = sorted(map(str, content)) if isinstance(content, dict) else None
    if held is None or not set(names) <= set(content):
        found = type(content).__name__ if held is None else f"a dictionary with {', '.join(held) or 'nothing'}"
        raise PareError(
            f"{name} holds {found}; expected a dictionary with {', '.join(names)}. Put the publisher's file there"
        )
    return [content[key] for key in names]


@contextmanager
def _opened(source: Path | Stream, name: str | None) -> Iterator[tuple[Stream, str]]:
    """The stream, and what messages call it."""
    if not isinstance(source, Path):
        yield source, name or str(getattr(source, "name", "the stream"))
        return
    try:
        stream = source.open("rb")
    except OSError as error:
        raise PareError(f"{source} cannot be opened ({error.strerror}). {FETCH_AGAIN}") from error
    with stream:
        yield stream, name or str(source)


class _Dtype:
    """The type of an array's elements, whatever else a pickle states about it."""

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, subarray, names, fields, *_ = state
        if (subarray, names, fields) != (None, None, None):
            raise pickle.UnpicklingError("structured arrays are not read")
        self.dtype = self.dtype.newbyteorder(order)


class _Array(np.ndarray):
    """An array while it is rebuilt; `_plain` makes it an ordinary one."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        *_, shape, stated, fortran_order, content = state
        dtype, count = stated.dtype, math.prod(shape)
        if not dtype.hasobject:
            content = _encode(content) if isinstance(content, str) else content
            count *= dtype.itemsize
        # numpy allocates what the shape says before it looks at the content.
        if not isinstance(content, list if dtype.hasobject else bytes) or len(content) != count:
            raise pickle.UnpicklingError(f"an array of shape {shape} has other content than that")
        super().__setstate__((1, shape, dtype, fortran_order, content))


def _dtype(code: str, align: bool = False, copy: bool = False) -> _Dtype:
    if not re.fullmatch(r"[?biufcSUO]\d{0,9}", code):
        raise pickle.UnpicklingError(f"arrays of type {code!r} are not read")
    return _Dtype(np.dtype(code))


def _reconstruct(kind: str, shape: tuple[int, ...], code: str | bytes) -> np.ndarray:
    """An empty array that the pickle fills next."""
    if kind != _NDARRAY:
        raise pickle.UnpicklingError("only plain numpy arrays are read")
    return np.ndarray.__new__(_Array, (0,), np.int8)


def _frombuffer(content: bytes, stated: _Dtype, shape: tuple[int, ...], order: Any) -> np.ndarray:
    return np.frombuffer(content, stated.dtype).reshape(shape, order=order)


def _scalar(stated: _Dtype, content: Any) -> Any:
    if stated.dtype.hasobject:
        return content
    return np.frombuffer(_encode(content) if isinstance(content, str) else content, stated.dtype).reshape(())[()]


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How pickles of protocol 2 and below carry bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in encoding {encoding!r} are not read")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """How pickles of protocol 2 and below carry no bytes at all."""
    return b""


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _encode,
}
for _core in ("numpy.core", "numpy._core"):  # numpy 1 and 2
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = _reconstruct
    _ALLOWED[f"{_core}.multiarray", "scalar"] = _scalar
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = _frombuffer
for _builtins in ("__builtin__", "builtins"):  # Python 2 and 3
    _ALLOWED[_builtins, "set"] = set
    _ALLOWED[_builtins, "frozenset"] = frozenset
    _ALLOWED[_builtins, "bytes"] = _no_bytes


def _build(unpickler: Any) -> None:
    """Give an object its state, as the command BUILD asks; a function of this module, say, has none to be changed."""
    if not isinstance(unpickler.stack[-2], (_Dtype, _Array)):
        raise pickle.UnpicklingError("only arrays and their types have a state")
    pickle._Unpickler.dispatch[pickle.BUILD[0]](unpickler)


class _Lines:
    """A stream whose lines are whole; Python's own unpickler would take the beginning of a name for a name."""

    def __init__(self, stream: Stream) -> None:
        self.read, self._readline = stream.read, stream.readline

    def readline(self) -> bytes:
        line = self._readline()
        if not line.endswith(b"\n"):
            raise EOFError("a line breaks off")
        return line


class _Unpickler(pickle._Unpickler):
    """Python's unpickler in Python: the one in C sets aside memory for whatever number a pickle calls a place."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.BUILD[0]: _build,
    }

    def __init__(self, stream: Stream, name: str) -> None:
        super().__init__(_Lines(stream), encoding="latin1")
        self._name = name

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise PareError(
                f"{self._name} asks Python for {module}.{name}, which no published data needs, so the file was refused "
                f"and nothing in it was executed. {FETCH_AGAIN}"
            ) from None


def _plain(content: Any) -> Any:
    """The content with ordinary arrays.

    A list that is mentioned ten times in one that is mentioned ten times, and so on, has few bytes and countless
    elements; whoever reads it would go through them all.
    """
    copies = _Copies()
    copy, elements = copies.of(content)
    if elements > _MOST_SHARED * (copies.distinct + _FREE):
        raise pickle.UnpicklingError(f"it mentions {copies.distinct} elements so often that they become {elements}")
    return copy


class _Copies:
    """Copies with ordinary arrays, one of each object however often it is mentioned.

    Attributes:
        distinct: elements of all containers so far, each container counted once.
    """

    def __init__(self) -> None:
        self.distinct = 0
        self._known: dict[int, tuple[Any, Any, int]] = {}  # the object, too: its id must not be given to another

    def of(self, content: Any) -> tuple[Any, int]:
        """The copy, and how many elements it has, those of a container counted wherever it is mentioned."""
        if isinstance(content, np.ndarray) and not content.dtype.hasobject:
            return content.view(np.ndarray), 1
        if not isinstance(content, (np.ndarray, dict, list, tuple)):
            return content, 1
        if id(content) not in self._known:
            self._known[id(content)] = content, *self._container(content)
        _, copy, elements = self._known[id(content)]
        return copy, elements

    def _container(self, content: Any) -> tuple[Any, int]:
        values = content.values() if isinstance(content, dict) else getattr(content, "flat", content)
        copies, counts = [], 1
        for value in values:
            copy, elements = self.of(value)
            copies.append(copy)
            counts += elements
        self.distinct += 1 + len(copies)
        if isinstance(content, dict):
            return dict(zip(content, copies, strict=True)), counts
        if isinstance(content, np.ndarray):
            array = content.view(np.ndarray)
            np.frompyfunc(lambda value: self.of(value)[0], 1, 1)(array, array)  # assigning a list would spread it
            return array, counts
        return type(content)(copies), counts
