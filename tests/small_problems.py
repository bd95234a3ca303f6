"""Small problems of classes, each of which some part of the solved start can learn: series, images and tables."""

import numpy as np

from pare.storage.store import ArrayStore, write_store

ROWS = {"train": 60, "validation": 20, "test": 60}
POINTS = 64


def write(path, make, rows=ROWS) -> ArrayStore:
    rng = np.random.default_rng(0)
    blocks = [(split, dict(zip(("x", "y", "group"), make(rng, n), strict=False))) for split, n in rows.items()]
    write_store(path, rows=rows, blocks=blocks, statistics={}, fingerprint="rows", description={"categories": []})
    return ArrayStore(path)


def bumps(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Series of noise with one bump, narrow or wide, of the same area at any place: no point alone tells the class."""
    y = rng.integers(0, 2, n)
    centre = rng.uniform(12, POINTS - 12, n)[:, None]
    width = np.where(y, 1.5, 5.0)[:, None]
    bump = np.exp(-(((np.arange(POINTS) - centre) / width) ** 2)) / width
    return (10 * bump + rng.normal(0, 0.1, (n, POINTS)))[:, None].astype(np.float32), y


def circle(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows inside or outside of a circle: no linear model of the columns tells the class."""
    x = rng.normal(size=(n, 2)).astype(np.float32)
    return x, ((x**2).sum(1) > 1.4).astype(np.int64)


def misread_circle(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The same with one wrong label in the validation rows: a start that made no error there would not be trained."""
    x, y = circle(rng, n)
    if n == ROWS["validation"]:
        y[0] = 1 - y[0]
    return x, y


def quadrants(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose columns have the same sign or not: no sum over columns tells the class."""
    x = rng.uniform(-1, 1, size=(n, 2)).astype(np.float32)
    return x, (x.prod(1) > 0).astype(np.int64)


def stripes(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of noise with horizontal or vertical stripes at any phase: no point alone tells the class."""
    y = rng.integers(0, 2, n)
    across = np.sin(np.arange(16) * np.pi / 2 + rng.uniform(0, 6, (n, 1)))[:, None] * np.ones((16, 1))
    images = np.where(y[:, None, None] > 0, across, across.swapaxes(1, 2)) + rng.normal(0, 0.1, (n, 16, 16))
    return images[:, None].astype(np.float32), y


def ten_shapes(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """One of ten shapes a row, each as often as any other, with noise: few rows a class."""
    y = np.arange(n) % 10
    shapes = np.random.default_rng(1).normal(size=(10, POINTS)).cumsum(1)
    return (shapes[y] + rng.normal(0, 1.5, (n, POINTS)))[:, None].astype(np.float32), y


def copies(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Five rows a group that are nearly the same; its class is chance, so nothing is known of another group."""
    group = np.arange(n) // 5
    x = rng.normal(size=(n // 5, 4))[group] + 0.01 * rng.normal(size=(n, 4))
    return x.astype(np.float32), rng.integers(0, 2, n // 5)[group], group + rng.integers(1000) * 1000


def lines(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Spectra: the class is in the height of a faint peak, below two others and a drift of random heights."""
    y = rng.integers(0, 2, n)
    peaks = [np.exp(-(((np.arange(POINTS) - place) / 8) ** 2)) for place in (20, 28, 40)]
    x = sum(rng.normal(size=(n, 1)) * part for part in (peaks[0], peaks[2], np.linspace(-1, 1, POINTS)))
    x = x + 0.2 * (2 * y[:, None] - 1) * peaks[1]
    return (x + rng.normal(0, 0.01, x.shape))[:, None].astype(np.float32), y
