"""Proxy datasets: how they are read (paper, section 3.2)."""

from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

from pare.raw.proxies.samples import IMAGES, SENTENCES, VOID, ImageProxy, TextProxy, read_image_proxy, read_text_proxy

# ``module:function`` below ``pare``: named and not imported, as the hub's proxies need readers of their own.
PROXY_READERS = {
    "caltech101": "paper.proxies.images:read_caltech101",
    "cifar10": "paper.proxies.images:read_cifar10",
    "conll2003": "paper.proxies.conll:read_conll2003",
    "images": "raw.proxies.samples:read_image_proxy",
    "pascal_voc": "paper.proxies.images:read_pascal_voc",
    "sentences": "raw.proxies.samples:read_text_proxy",
    "tiny_imagenet": "paper.proxies.images:read_tiny_imagenet",
}


def find_proxy_reader(name: str) -> Callable[[Path], ImageProxy | TextProxy]:
    """The reader of a proxy dataset, imported; the schema has checked its name."""
    reader: Callable[[Path], ImageProxy | TextProxy] = resolve_name(f"pare.{PROXY_READERS[name]}")
    return reader


__all__ = [
    "IMAGES",
    "PROXY_READERS",
    "SENTENCES",
    "VOID",
    "ImageProxy",
    "TextProxy",
    "find_proxy_reader",
    "read_image_proxy",
    "read_text_proxy",
]
