"""Series in ``.ts`` files, the text format of the UCR, UEA and TSER archives (timeseriesclassification.com).

Read here and not by sktime's loader, which puts names of classes in small letters and takes what follows the last colon
for a class, whatever it is; and whoever has the files needs no sktime to read them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pare.config.errors import PareError
from pare.config.words import counted

PUT = "put the archive's file there"


@dataclass(frozen=True)
class ArchiveSeries:
    """What a file holds.

    Attributes:
        series: ``(channels, points)`` float32 each; all have as many channels, perhaps not as many points.
        answers: the class of each, or its number as the file writes it; empty where the header says there are none.
        classes: all classes, in the order of the header; empty where answers are numbers.
    """

    series: list[np.ndarray]
    answers: list[str]
    classes: list[str]


def read_ts(path: Path) -> ArchiveSeries:
    """Read a file: a header of lines ``@key value``, then a series a line.

    A line is ``1.5,2,1:0.3,0.1,0.2:walking``: the values of each channel, and the class or number to predict. Lines
    that begin with ``#`` or ``%`` are comments.

    Raises:
        PareError: if the header says nothing of classes or numbers, or announces times, or a line is damaged: the class
            is not among those of the header, a value is missing or no number, or channels differ in length or number.
    """
    lines = _lines(path)
    classes = _classes(lines, path)
    series: list[np.ndarray] = []
    answers: list[str] = []
    for where, line in lines:
        channels = line.split(":")
        answer = channels.pop() if classes is not None else None
        values = _values(channels, where)
        if series and len(values) != len(series[0]):
            raise PareError(f"{where} has {counted(len(values), 'channel')}, those before have {len(series[0])}; {PUT}")
        series.append(values)
        if answer is not None and classes is not None:
            answers.append(_answer(answer, classes, where))
    if not series:
        raise PareError(f"{path} holds no series after the line @data; it is cut short: {PUT}")
    return ArchiveSeries(series, answers, classes or [])


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each line with content, and what messages call it."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip() and not line.lstrip().startswith(("#", "%")):
                    yield f"{path}, line {number}", line.strip()
    except UnicodeDecodeError as error:
        raise PareError(f"{path} is no text in UTF-8 ({error.reason} at byte {error.start}); {PUT}") from error


def _classes(lines: Iterator[tuple[str, str]], path: Path) -> list[str] | None:
    """Read the header, up to ``@data``: the classes that it names, none for numbers; None: no answers."""
    header: dict[str, list[str]] = {}
    for where, line in lines:
        if not line.startswith("@"):
            raise PareError(f"{where}: expected a line @data before the first series; {PUT}")
        key, *values = line[1:].split() or [""]
        if key.lower() == "data":
            break
        header[key.lower()] = values
    if _says(header, "timestamps", "true"):
        raise PareError(f"{path} has a time for each value (@timeStamps true); write the values alone, evenly spaced")
    if _says(header, "classlabel", "true") and len(header["classlabel"]) > 2:
        return header["classlabel"][1:]
    if _says(header, "targetlabel", "true"):
        return []
    if _says(header, "classlabel", "false") or _says(header, "targetlabel", "false"):
        return None
    raise PareError(
        f"{path} names no classes: expected a line '@classLabel true CLASS CLASS …' before @data, for numbers "
        f"'@targetLabel true', and where nothing is known '@classLabel false'; {PUT}"
    )


def _says(header: Mapping[str, Sequence[str]], key: str, word: str) -> bool:
    """Whether a line ``@key word …`` is in the header."""
    return [value.lower() for value in header.get(key, [])[:1]] == [word]


def _answer(text: str, classes: Sequence[str], where: str) -> str:
    """What follows the last colon: one of the classes, or a number if there are no classes."""
    answer = text.strip()
    if classes and answer not in classes:
        raise PareError(f"{where}: class {answer!r} is none of the header, {', '.join(classes)}; {PUT}")
    if not classes and not np.isfinite(_number(answer)):
        raise PareError(f"{where}: {answer[:40]!r} is to be predicted; expected a number after the last colon; {PUT}")
    return answer


def _values(channels: Sequence[str], where: str) -> np.ndarray:
    """The values of each channel, ``(channels, points)`` float32."""
    if not channels:
        raise PareError(
            f"{where} has no class or number: expected the values of each channel and the answer, between colons; {PUT}"
        )
    values = [_numbers(channel, where) for channel in channels]
    lengths = {len(channel) for channel in values}
    if len(lengths) > 1:
        raise PareError(f"{where}: channels of {min(lengths)} and of {max(lengths)} points in one series; {PUT}")
    return np.stack(values)


def _numbers(channel: str, where: str) -> np.ndarray:
    """Values between commas, ``(points,)`` float32."""
    texts = channel.split(",")
    with np.errstate(over="ignore"):
        values = np.array([_number(text) for text in texts]).astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        found = texts[bad[0]].strip()[:40]
        raise PareError(
            f"{where}: value {bad[0] + 1} of a channel is {found!r}; expected a number. Missing values are not read: "
            "fill them in, e.g. by interpolation"
        )
    return values


def _number(text: str) -> float:
    """The number; NaN where it is none."""
    try:
        return float(text)
    except ValueError:
        return np.nan
