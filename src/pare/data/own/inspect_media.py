"""A first look at folders of images and of sounds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pare.config.errors import PareError
from pare.config.words import counted
from pare.data.formats.photographs import opened_image
from pare.data.formats.sound import SoundFacts, sound_facts
from pare.data.own.class_folders import labelled_files
from pare.data.own.findings import Inspection, Question
from pare.data.own.media_folders import IMAGES, RATE, SOUNDS
from pare.data.own.table_columns import file_labels, inspection_of_classes

LOOKED_AT = 500  # images whose size is read
EDGE = 128  # points to which images of several sizes, or larger ones, are resized
WHOLE_SOUNDS = 0.9  # fraction of the sounds that are used whole
LONGEST_SOUND = 10.0  # seconds that are used


def inspect_images(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    """Look into a folder of images, whose folders are the classes, or with a table that names them.

    Args:
        folder: has links to the files.
        paths: the one folder, and perhaps a table of labels.
        question: what is to be predicted.

    Raises:
        PareError: if an image cannot be read, or the question says more than a target.
    """
    if question != Question(target=question.target):
        raise PareError("for a folder of images only --target is used, with a table of labels: leave other options out")
    labels = file_labels(paths, IMAGES, question)
    files = labelled_files(folder, None, IMAGES, labels)
    images = [path for part in files.values() for path in part.paths]
    chosen = [images[i] for i in np.unique(np.linspace(0, len(images) - 1, LOOKED_AT).astype(int))]
    sizes, grey = _image_facts(chosen)
    (height, width) = sizes[0]
    same = len(set(sizes)) == 1 and max(height, width) <= EDGE
    options = {"size": [height, width] if same else [EDGE, EDGE], "colour": not grey}
    edges = sorted(edge for size in sizes for edge in size)
    note = f"height and width; images are resized to it, theirs are {edges[0]} to {edges[-1]} pixels high and wide"
    return inspection_of_classes("image_folder", options, folder, files, labels, {} if same else {"size": note})


def _image_facts(paths: Sequence[Path]) -> tuple[list[tuple[int, int]], bool]:
    """Heights and widths, and whether all images are grey."""
    sizes, modes = [], set()
    for path in paths:
        with opened_image(path) as image:
            sizes.append((image.height, image.width))
            modes.add(image.mode)
    return sizes, all(mode == "1" or mode.startswith(("L", "I")) for mode in modes)


def inspect_sounds(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    """Look into a folder of sounds, whose folders are the classes, or with a table that names them.

    Args:
        folder: has links to the files.
        paths: the one folder, and perhaps a table of labels.
        question: what is to be predicted.

    Raises:
        PareError: if a sound cannot be read, or the question says more than a target.
    """
    if question != Question(target=question.target):
        raise PareError("for a folder of sounds only --target is used, with a table of labels: leave other options out")
    labels = file_labels(paths, SOUNDS, question)
    files = labelled_files(folder, None, SOUNDS, labels)
    facts = [sound_facts(path) for part in files.values() for path in part.paths]
    seconds = np.array([fact.seconds for fact in facts])
    used, rate = _used_seconds(seconds), min(RATE, *(fact.rate for fact in facts))
    notes = {"seconds": _seconds_note(seconds, used), "rate": _rate_note(facts, rate)}
    return inspection_of_classes("audio_folder", {"seconds": used, "rate": rate}, folder, files, labels, notes)


def _used_seconds(seconds: np.ndarray) -> float:
    """The length of the sounds, but of the few that are longest; two digits of it."""
    wanted = min(float(np.quantile(seconds, WHOLE_SOUNDS)), LONGEST_SOUND)
    return float(f"{wanted:.2g}")


def _seconds_note(seconds: np.ndarray, used: float) -> str:
    longer = int((seconds > 1.01 * used).sum())
    cut = f"the first {used:g} s of {counted(longer, 'longer sound')} are used, " if longer else ""
    return f"theirs are {seconds.min():.2g} to {seconds.max():.3g}; {cut}shorter ones are followed by silence"


def _rate_note(facts: Sequence[SoundFacts], rate: int) -> str:
    rates = sorted({fact.rate for fact in facts})
    most = max(fact.channels for fact in facts)
    mean = "; the mean of their channels is taken" if most > 1 else ""
    listed = ", ".join(map(str, rates[:4])) + (", …" if len(rates) > 4 else "")
    return f"Hz to which sounds are resampled, theirs have {listed}{mean}"
