"""Labelled series in ``.ts`` files, the text format of the UCR and UEA archives (timeseriesclassification.com).

Read here and not by sktime's loader, which puts names of classes in small letters and takes what follows the last colon
for a class, whatever it is; and whoever has the files needs no sktime to read them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pare.config.errors import PareError
from pare.config.words import counted

PUT = "put the publisher's file there"


@dataclass(frozen=True)
class LabelledSeries:
    """What a file holds.

    Attributes:
        series: ``(channels, points)`` float32 each; all have as many channels, perhaps not as many points.
        labels: the class of each.
        classes: all classes, in the order of the header.
    """

    series: list[np.ndarray]
    labels: list[str]
    classes: list[str]


def read_ts(path: Path) -> LabelledSeries:
    """Read a file: a header of lines ``@key value``, then a series a line.

    A line is ``1.5,2,1:0.3,0.1,0.2:walking``: the values of each channel, and the class. Lines that begin with ``#`` or
    ``%`` are comments.

    Raises:
        PareError: if the header names no classes or announces times, or a line is damaged: the class is not among those
            of the header, a value is missing or no number, or channels differ in length or number.
    """
    lines = _lines(path)
    classes = _classes(lines, path)
    series: list[np.ndarray] = []
    labels: list[str] = []
    for where, line in lines:
        values, label = _series(line, where)
        if label not in classes:
            raise PareError(f"{where}: class {label!r} is none of the header, {', '.join(classes)}; {PUT}")
        if series and len(values) != len(series[0]):
            raise PareError(f"{where} has {counted(len(values), 'channel')}, those before have {len(series[0])}; {PUT}")
        series.append(values)
        labels.append(label)
    if not series:
        raise PareError(f"{path} holds no series after the line @data; it is cut short: {PUT}")
    return LabelledSeries(series, labels, classes)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each line with content, and what messages call it."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip() and not line.lstrip().startswith(("#", "%")):
                    yield f"{path}, line {number}", line.strip()
    except UnicodeDecodeError as error:
        raise PareError(f"{path} is no text in UTF-8 ({error.reason} at byte {error.start}); {PUT}") from error


def _classes(lines: Iterator[tuple[str, str]], path: Path) -> list[str]:
    """Read the header, up to ``@data``: the classes that it names."""
    header: dict[str, list[str]] = {}
    for where, line in lines:
        if not line.startswith("@"):
            raise PareError(f"{where}: expected a line @data before the first series; {PUT}")
        key, *values = line[1:].split() or [""]
        if key.lower() == "data":
            break
        header[key.lower()] = values
    if _says_true(header.get("timestamps", [])):
        raise PareError(f"{path} has a time for each value (@timeStamps true); write the values alone, evenly spaced")
    said = header.get("classlabel", [])
    if not _says_true(said) or len(said) < 2:
        raise PareError(
            f"{path} names no classes: expected a line '@classLabel true CLASS CLASS …' before @data; {PUT}"
        )
    return said[1:]


def _says_true(values: Sequence[str]) -> bool:
    return bool(values) and values[0].lower() == "true"


def _series(line: str, where: str) -> tuple[np.ndarray, str]:
    """A series ``(channels, points)`` float32 and its class."""
    *channels, label = line.split(":")
    if not channels:
        raise PareError(
            f"{where} has no class: expected the values of each channel and the class, between colons; {PUT}"
        )
    values = [_numbers(channel, where) for channel in channels]
    lengths = {len(channel) for channel in values}
    if len(lengths) > 1:
        raise PareError(f"{where}: channels of {min(lengths)} and of {max(lengths)} points in one series; {PUT}")
    return np.stack(values), label.strip()


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
