"""A first look at a folder of images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pare.config.errors import PareError
from pare.own_data.findings import Inspection, Question
from pare.own_data.label_columns import file_labels, inspection_of_classes
from pare.raw.formats.photographs import opened_image
from pare.raw.readers.class_folders import labelled_files
from pare.raw.readers.image_folder import IMAGES

LOOKED_AT = 500  # images whose size is read
EDGE = 128  # points to which images of several sizes, or larger ones, are resized


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
        raise PareError("of a folder of images only --target is used, with a table of labels: leave other options out")
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
