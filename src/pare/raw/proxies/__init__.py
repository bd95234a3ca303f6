"""Proxy datasets: where they come from and how they are read (paper, section 3.2)."""

from collections.abc import Callable
from pathlib import Path

from pare.raw.proxies.offline import english_topics, mnist_digits
from pare.raw.proxies.samples import IMAGES, SENTENCES, ImageProxy, TextProxy, read_image_proxy, read_text_proxy

PROXY_READERS: dict[str, Callable[[Path], ImageProxy | TextProxy]] = {
    "images": read_image_proxy,
    "sentences": read_text_proxy,
}

__all__ = [
    "IMAGES",
    "PROXY_READERS",
    "SENTENCES",
    "ImageProxy",
    "TextProxy",
    "english_topics",
    "mnist_digits",
    "read_image_proxy",
    "read_text_proxy",
]
