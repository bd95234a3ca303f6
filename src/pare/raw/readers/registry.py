"""Every reader of a task's raw files by the name that configuration uses for it.

A reader is called with the folder of the raw files and its options, and returns `Samples` by part: ``train``,
``test`` and perhaps ``validation``, or ``all`` where the publisher divides nothing.
"""

from collections.abc import Callable
from pathlib import Path

from pare.config.errors import unknown_name
from pare.config.schema import ReaderConfig
from pare.raw.options import bind_options
from pare.raw.readers.arrays import arrays
from pare.raw.readers.audio import fsd50k_chunks
from pare.raw.readers.audio_folder import audio_folder
from pare.raw.readers.darcy import darcy_mat
from pare.raw.readers.domainnet import minidomainnet
from pare.raw.readers.image_folder import image_folder
from pare.raw.readers.images import cifar100_python, spherical_cifar100
from pare.raw.readers.pdebench import pdebench_grouped, pdebench_stacked
from pare.raw.readers.proteins import protein_distances
from pare.raw.readers.sequences import deepsea_npz, ecg_challenge2017, ninapro_npy, satellite_npy
from pare.raw.readers.series_folder import series_folder
from pare.raw.readers.series_rows import series_rows
from pare.raw.readers.series_table import series_table
from pare.raw.readers.sky import cosmic_rays
from pare.raw.readers.tables import table
from pare.raw.readers.ts import ts
from pare.storage.samples import Samples

READERS: dict[str, Callable[..., dict[str, Samples]]] = {
    "arrays": arrays,
    "audio_folder": audio_folder,
    "cifar100_python": cifar100_python,
    "cosmic_rays": cosmic_rays,
    "darcy_mat": darcy_mat,
    "deepsea_npz": deepsea_npz,
    "ecg_challenge2017": ecg_challenge2017,
    "fsd50k_chunks": fsd50k_chunks,
    "image_folder": image_folder,
    "minidomainnet": minidomainnet,
    "ninapro_npy": ninapro_npy,
    "pdebench_grouped": pdebench_grouped,
    "pdebench_stacked": pdebench_stacked,
    "protein_distances": protein_distances,
    "satellite_npy": satellite_npy,
    "series_folder": series_folder,
    "series_rows": series_rows,
    "series_table": series_table,
    "spherical_cifar100": spherical_cifar100,
    "table": table,
    "ts": ts,
}


def open_raw_files(reader: ReaderConfig, folder: Path) -> dict[str, Samples]:
    """The raw files of a task as its reader gives them, by part.

    Raises:
        PareError: if the reader or an option is unknown, or the files are not what the reader expects.
    """
    if reader.name not in READERS:
        raise unknown_name("reader", reader.name, READERS, "the task's YAML")
    return bind_options("reader", reader.name, READERS[reader.name], reader.options)(folder)
