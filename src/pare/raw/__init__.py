"""Raw data as their publishers store them, from download or simulation to arrays.

Everything fetched comes the same way, be it a task's files, a pretrained encoder or a proxy dataset: an
origin (``ORIGINS``) puts files into a folder, and a manifest beside them says what they are (``ingest``).
Readers (``READERS``, ``PROXY_READERS``) open them.
"""

from pare.arrays.samples import Samples
from pare.raw.ingest import ingest
from pare.raw.manifest import FileRecord, Manifest, current_manifest, read_manifest
from pare.raw.new_rows import NewRows, open_new_rows
from pare.raw.options import bind_options
from pare.raw.origins import ORIGINS
from pare.raw.own_files import find_path
from pare.raw.proxies import PROXY_READERS, ImageProxy, TextProxy
from pare.raw.readers import READERS

__all__ = [
    "ORIGINS",
    "PROXY_READERS",
    "READERS",
    "FileRecord",
    "ImageProxy",
    "Manifest",
    "NewRows",
    "Samples",
    "TextProxy",
    "bind_options",
    "current_manifest",
    "find_path",
    "ingest",
    "open_new_rows",
    "read_manifest",
]
