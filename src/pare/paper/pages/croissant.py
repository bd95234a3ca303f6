"""The description of a simulated dataset in Croissant 1.1, the vocabulary of MLCommons for datasets."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pare.config import PareError, Task
from pare.config.errors import import_extra
from pare.data.origins.manifest import FileRecord, Manifest, RawFolder
from pare.data.registries import find_origin, open_raw_files
from pare.storage.samples import Samples

FORMATS = {".hdf5": "application/x-hdf5", ".h5": "application/x-hdf5", ".mat": "application/x-matlab-data"}
FILES = "files"  # all of the dataset, from which the reader makes the rows
DIMENSIONLESS = "without unit: the equation is dimensionless"


def described(name: str, task: Task, folder: RawFolder) -> str:
    """Describe the raw files of a simulated task: where from, which licence, SHA-256, and the rows that are read.

    Args:
        name: the task's name.
        task: the task.
        folder: its raw files.

    Returns:
        JSON-LD.

    Raises:
        PareError: where the files are not simulated, or mlcroissant is not installed.
    """
    manifest = folder.manifest
    if not manifest.simulated:
        raise PareError(
            f"the files of task {name!r} are not simulated: who published them describes them, see "
            f"{manifest.url or 'there'}; simulated tasks are marked so in `kedro tasks --offline`"
        )
    mlc = import_extra("mlcroissant", "a description", "pare-transfer[paper]")
    metadata = mlc.Metadata(
        ctx=mlc.Context(conforms_to="http://mlcommons.org/croissant/1.1"),
        name=name,
        description=f"{task.title}. {task.description}",
        license=[manifest.licence],
        url=manifest.url,
        cite_as=f"The law of the data: {manifest.url}",
        creators=[mlc.Organization(name="Contributors of pare-transfer")],
        date_published=manifest.retrieved,
        version=version("pare-transfer"),
        data_collection=_how(manifest),
        distribution=[*(_file(mlc, record) for record in manifest.files), _all_files(mlc, manifest)],
        record_sets=[
            _rows(mlc, part, samples, task) for part, samples in open_raw_files(task.reader, folder.path).items()
        ],
    )
    return json.dumps(metadata.to_json(), indent=2, ensure_ascii=False)


def _how(manifest: Manifest) -> str:
    summary = str(find_origin(manifest.origin).load().__doc__).partition("\n")[0]
    options = ", ".join(f"{key}={value}" for key, value in manifest.options.items())
    return f"Simulated by pare, {manifest.origin}({options}). {summary} The same options give the same samples."


def _file(mlc: Any, record: FileRecord) -> Any:
    return mlc.FileObject(
        id=record.name,
        name=record.name,
        content_url=record.name,  # next to the description
        content_size=f"{record.bytes} B",
        encoding_formats=[FORMATS[Path(record.name).suffix]],
        sha256=record.sha256,
    )


def _all_files(mlc: Any, manifest: Manifest) -> Any:
    names = [record.name for record in manifest.files]
    return mlc.FileSet(id=FILES, name=FILES, includes=names, encoding_formats=[FORMATS[Path(names[0]).suffix]])


def _rows(mlc: Any, part: str, samples: Samples, task: Task) -> Any:
    x, y = samples.read(0, 1)
    channels = task.input.channels[: x.shape[1]]
    options = ", ".join(f"{key}={value}" for key, value in task.reader.options.items())
    reader = f"{task.reader.name}({options})"
    return mlc.RecordSet(
        id=part,
        name=part,
        description=f"{samples.count} rows, as pare's reader {reader} gives them",
        fields=[
            _field(mlc, f"{part}/input", x.shape[1:], f"{', '.join(channels)}, {DIMENSIONLESS}"),
            _field(mlc, f"{part}/target", y.shape[1:], f"{task.output.name}, {DIMENSIONLESS}"),
        ],
    )


def _field(mlc: Any, name: str, shape: tuple[int, ...], description: str) -> Any:
    source = mlc.Source(file_set=FILES, extract=mlc.Extract(file_property=mlc.FileProperty.content))
    return mlc.Field(
        id=name,
        name=name.rpartition("/")[2],
        description=description,
        data_types=mlc.DataType.FLOAT32,
        is_array=True,
        array_shape=",".join(map(str, shape)),
        source=source,
    )
