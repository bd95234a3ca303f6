"""Proxy datasets: how they are read (paper, section 3.2)."""

from collections.abc import Callable
from pathlib import Path

from pare.raw.proxies.conll import read_conll2003
from pare.raw.proxies.images import read_caltech101, read_cifar10, read_pascal_voc, read_tiny_imagenet
from pare.raw.proxies.samples import IMAGES, SENTENCES, VOID, ImageProxy, TextProxy, read_image_proxy, read_text_proxy

PROXY_READERS: dict[str, Callable[[Path], ImageProxy | TextProxy]] = {
    "caltech101": read_caltech101,
    "cifar10": read_cifar10,
    "conll2003": read_conll2003,
    "images": read_image_proxy,
    "pascal_voc": read_pascal_voc,
    "sentences": read_text_proxy,
    "tiny_imagenet": read_tiny_imagenet,
}

__all__ = [
    "IMAGES",
    "PROXY_READERS",
    "SENTENCES",
    "VOID",
    "ImageProxy",
    "TextProxy",
    "read_image_proxy",
    "read_text_proxy",
]
