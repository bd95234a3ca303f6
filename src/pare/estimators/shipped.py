"""The configuration that the installed package ships, and the encoders and proxies that it names."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from filelock import FileLock
from huggingface_hub import cached_assets_path

from pare.config import Library
from pare.config.raw import RawConfig
from pare.raw.origins.ingest import RawFiles
from pare.raw.origins.manifest import RawFolder

KINDS = ("sources", "proxies", "starts", "methods", "baselines", "candidates")  # all of a library but its tasks


@cache
def shipped(name: str) -> dict[str, Any]:
    """A file of conf/base, such as ``starts``; the folder is a link to the project's, and whole in a wheel."""
    text = (files("pare") / "conf" / "base" / f"{name}.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def shipped_library(tasks: dict[str, Any]) -> Library:
    """Sources, methods and all else of conf/base, with tasks of one's own."""
    entries: dict[str, Any] = {name: shipped(name) for name in KINDS}
    return Library(tasks=tasks, **entries)


def cached_folder(raw: RawConfig, place: str) -> RawFolder:
    """The files of an encoder or a proxy, brought once into the assets of Hugging Face's cache.

    Args:
        raw: what is to be brought.
        place: ``encoders/<name>`` or ``proxies/<name>``.

    Raises:
        PareError: if a package or the network is missing, or the cache cannot be written.
    """
    kind, name = place.split("/")
    folder, wanted = cached_assets_path("pare", kind, name), RawFiles(raw)
    if not wanted.is_current(folder):
        with FileLock(f"{folder}.lock"):
            wanted.write(folder)  # at once, if another process has brought them meanwhile
    return RawFolder.open(folder)
