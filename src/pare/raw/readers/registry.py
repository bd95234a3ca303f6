"""Every reader of a task's raw files by the name that configuration uses for it.

A reader is called with the folder of the raw files and its options, and returns `Samples` by part: ``train``,
``test`` and perhaps ``validation``, or ``all`` where the publisher divides nothing.
"""

from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from pare.config.errors import unknown_name
from pare.config.schema import ReaderConfig
from pare.raw.options import bind_options
from pare.storage.samples import Samples

# ``module:function`` below ``pare``: named and not imported, so that a task imports the reader that it uses.
READERS = {
    "arrays": "raw.readers.arrays:arrays",
    "audio_folder": "raw.readers.audio_folder:audio_folder",
    "cifar100_python": "paper.readers.images:cifar100_python",
    "cosmic_rays": "paper.readers.sky:cosmic_rays",
    "darcy_mat": "paper.readers.darcy:darcy_mat",
    "deepsea_npz": "paper.readers.sequences:deepsea_npz",
    "ecg_challenge2017": "paper.readers.sequences:ecg_challenge2017",
    "fsd50k_chunks": "paper.readers.audio:fsd50k_chunks",
    "image_folder": "raw.readers.image_folder:image_folder",
    "minidomainnet": "paper.readers.domainnet:minidomainnet",
    "ninapro_npy": "paper.readers.sequences:ninapro_npy",
    "pdebench_grouped": "paper.readers.pdebench:pdebench_grouped",
    "pdebench_stacked": "paper.readers.pdebench:pdebench_stacked",
    "protein_distances": "paper.readers.proteins:protein_distances",
    "satellite_npy": "paper.readers.sequences:satellite_npy",
    "series_folder": "raw.readers.series_folder:series_folder",
    "series_rows": "raw.readers.series_rows:series_rows",
    "series_table": "raw.readers.series_table:series_table",
    "spherical_cifar100": "paper.readers.images:spherical_cifar100",
    "table": "raw.readers.tables:table",
    "ts": "raw.readers.ts:ts",
}


def find_reader(name: str) -> Any:
    """The reader of that name, imported.

    Raises:
        PareError: if there is none.
    """
    if name not in READERS:
        raise unknown_name("reader", name, READERS, "the task's YAML")
    return resolve_name(f"pare.{READERS[name]}")


def open_raw_files(reader: ReaderConfig, folder: Path) -> dict[str, Samples]:
    """The raw files of a task as its reader gives them, by part.

    Raises:
        PareError: if the reader or an option is unknown, or the files are not what the reader expects.
    """
    samples: dict[str, Samples] = bind_options("reader", reader.name, find_reader(reader.name), reader.options)(folder)
    return samples
