"""Readers: raw files of a task as samples, by the publisher's parts.

A reader is called with the folder of the raw files and its options, and returns `Samples` by part: ``train``,
``test`` and perhaps ``validation``, or ``all`` where the publisher divides nothing.
"""

from collections.abc import Callable

from pare.arrays.samples import Samples
from pare.raw.readers.darcy import darcy_mat
from pare.raw.readers.openml import arff_table

READERS: dict[str, Callable[..., dict[str, Samples]]] = {
    "arff_table": arff_table,
    "darcy_mat": darcy_mat,
}
