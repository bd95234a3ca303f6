"""Tensors that PyTorch saved, mapped into memory so that rows are read only when asked for.

Such a file is a pickle, which is a program, with the numbers next to it. ``torch.load`` with ``weights_only`` lets it
call only some types and functions. A few of those set aside whatever memory they are asked for, so that here only
those pass that make up a tensor. Files of before PyTorch 1.6, which are no zip archives, are in memory as a whole.
"""

import pickletools
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from pare.config.errors import PareError
from pare.data.formats.stored_array import AGAIN, DAMAGES, StoredArray, readable

if TYPE_CHECKING:
    import torch

TORCH = (".pt", ".pth")
PAIR = ("x", "y")  # names of two tensors without any
HOW = "Save tensors only, such as torch.save({'x': x, 'y': y}, 'data.pt')"
_ZIP = b"PK\x03\x04"
_OLD_PICKLES = 4  # before the numbers of an old file: a magic number, the version, the machine and the content
_ALLOWED = re.compile(
    r"collections OrderedDict|torch(\.storage)? \w+Storage|torch u?int\d+"
    r"|torch\._utils _rebuild_(tensor|tensor_v2|tensor_v3|parameter)"
)


def torch_arrays(path: Path) -> dict[str, StoredArray]:
    """The tensors of a file that ``torch.save`` wrote.

    A lone tensor has the file's name. Tensors in dictionaries, lists and tuples are called by their keys or places,
    from 0, with slashes in those of nested ones; two tensors without keys are ``x`` and ``y``. Half precision becomes
    single precision.

    Raises:
        PareError: if the file holds anything else than tensors, numbers and text, or no tensor; if it is damaged, or a
            tensor claims more numbers than the file has.
    """
    import torch  # noqa: PLC0415 - slow to import

    with readable(path, (*DAMAGES, MemoryError)), path.open("rb") as stream:
        zipped = stream.read(len(_ZIP)) == _ZIP
        stream.seek(0)
        _check_calls(path, [BytesIO(_pickle_of(path))] if zipped else [stream] * _OLD_PICKLES)
    with readable(path, Exception):  # torch raises a dozen types for damage
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
        alone = isinstance(content, torch.Tensor)
        found = {path.name: content} if alone else dict(_tensors(content, (), set()))
    if not found:
        raise PareError(f"{path} holds no tensors. {HOW}")
    return {name: _stored(tensor, str(path) if alone else f"{path}: {name}") for name, tensor in found.items()}


def _pickle_of(path: Path) -> bytes:
    """The pickle in a zip archive, in which nothing may be compressed: little could claim to be much."""
    with zipfile.ZipFile(path) as archive:
        stored = all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        pickles = [info for info in archive.infolist() if info.filename.endswith("/data.pkl")]
        if not stored or len(pickles) != 1 or pickles[0].file_size > path.stat().st_size:
            raise PareError(f"{path} is no file that torch.save wrote, or damaged. {HOW}")
        return archive.read(pickles[0])


def _check_calls(path: Path, pickles: Sequence[IO[bytes]]) -> None:
    """Refuse pickles, one after the other in their streams, that ask for more than tensors."""
    for stream in pickles:
        for command, argument, _ in pickletools.genops(stream):
            if command.name == "STACK_GLOBAL":
                raise PareError(f"{path} was saved with pickle protocol 4, torch.save's own is 2. {HOW}")
            if command.name == "GLOBAL" and not _ALLOWED.fullmatch(str(argument)):
                raise PareError(
                    f"{path} asks Python for {str(argument).replace(' ', '.')}, so it was refused and nothing in it "
                    f"was executed. {HOW}"
                )


def _tensors(content: Any, names: tuple[str, ...], seen: set[int]) -> Iterator[tuple[str, "torch.Tensor"]]:
    """Tensors and their names; those of a container that is mentioned again have only the first ones."""
    import torch  # noqa: PLC0415

    if isinstance(content, torch.Tensor):
        yield "/".join(names), content
    elif isinstance(content, dict | list | tuple) and id(content) not in seen:
        seen.add(id(content))
        for name, value in content.items() if isinstance(content, dict) else _by_place(content):
            yield from _tensors(value, (*names, str(name)), seen)


def _by_place(content: list[Any] | tuple[Any, ...]) -> Iterable[tuple[str | int, Any]]:
    import torch  # noqa: PLC0415

    pair = len(content) == len(PAIR) and all(isinstance(value, torch.Tensor) for value in content)
    return zip(PAIR, content, strict=True) if pair else enumerate(content)


def _stored(tensor: "torch.Tensor", where: str) -> StoredArray:
    claimed, held = tensor.nbytes, tensor.untyped_storage().nbytes()
    if claimed > held:
        raise PareError(
            f"{where} claims shape {tuple(tensor.shape)}, {claimed} bytes, but holds {held}; if it is an expanded "
            f"tensor, save its .clone(), else it is damaged: {AGAIN}"
        )
    dtype = _numbers(tensor[None][:0]).dtype
    return StoredArray(where, tuple(tensor.shape), dtype, lambda start, stop: _numbers(tensor[start:stop]))


def _numbers(tensor: "torch.Tensor") -> np.ndarray:
    """A tensor as numpy, which has no bfloat16, can hold it."""
    half = tensor.is_floating_point() and tensor.dtype.itemsize < np.dtype(np.float32).itemsize
    numbers: np.ndarray = (tensor.float() if half else tensor).detach().numpy()
    return numbers
