"""Small problems of fields: what is drawn as input, and the equations that make its target."""

import numpy as np

from pare.storage.store import ArrayStore, write_store

GRID, LONG = 16, 256


PATTERNS = np.random.default_rng(1).normal(size=(6, GRID, GRID)) + 1  # of which inputs are made


def inputs(rng, rows):
    return np.einsum("rd,dij->rij", rng.normal(size=(rows, len(PATTERNS))), PATTERNS)[:, None]


def write(path, make, draw=inputs, n=(48, 16, 16), groups=None) -> ArrayStore:
    rng, sizes = np.random.default_rng(0), dict(zip(("train", "validation", "test"), n, strict=True))
    blocks = []
    for split, rows in sizes.items():
        x = draw(rng, rows).astype(np.float32)
        more = {} if groups is None else {"group": groups(rows)}
        blocks.append((split, {"x": x, "y": make(x).astype(np.float32), **more}))
    y = blocks[0][1]["y"]
    statistics = {"y_mean": y.mean(0), "y_scale": y.std(0, dtype=np.float64)}
    write_store(path, rows=sizes, blocks=blocks, statistics=statistics, fingerprint="f", description={"categories": []})
    return ArrayStore(path)


def moved(x):
    """A linear map of the field."""
    return 3 + np.roll(x, 5, -1) * np.hanning(GRID)


def nearly_linear(x):
    """What a linear map leaves is something to train."""
    return moved(x) + 0.01 * np.abs(x)


def folded(x):
    """No linear map: the size of the mean counts, whatever its sign."""
    return np.abs(x.mean((2, 3), keepdims=True)) * (1 + np.hanning(GRID)) + np.zeros_like(x)


def states(rng, rows):
    """Four states of each simulation, nearly the same."""
    return np.repeat(inputs(rng, rows // 4), 4, axis=0) + 0.001 * inputs(rng, rows)


def chance(x):
    """A field by chance for each four rows that follow each other: nothing is known of others."""
    fields = np.random.default_rng(len(x)).normal(size=(len(x) // 4, 1, GRID, GRID))
    return np.repeat(fields, 4, axis=0)


def walled(x):
    y = nearly_linear(x)
    y[:, :, :2] = np.nan
    return y


def white(rng, rows):
    """More unknowns than rows."""
    return rng.normal(size=(rows, 1, GRID, GRID))


def smoothed(x):
    """A linear map that has the symmetries of the square, and of a plane without ends."""
    spread = np.fft.fftfreq(GRID)[:, None] ** 2 + np.fft.fftfreq(GRID) ** 2
    return np.fft.ifft2(np.fft.fft2(x) / (1 + 50 * spread)).real


SIGNS = np.random.default_rng(2).choice([-1, 1], (GRID, GRID))


def signed(x):
    """A linear map that is another one at every place, in no direction the same."""
    return x * SIGNS


def bent(x):
    """A linear map says much of it, and not nearly all."""
    return moved(x) + 0.5 * np.abs(x)


def curved(x):
    """A smooth map that is far from linear."""
    return np.sin(2 * moved(x)) + 3


def few(rng, rows):
    """Inputs that differ in two ways only."""
    return np.einsum("rd,dij->rij", rng.uniform(-1, 1, (rows, 2)), PATTERNS[:2] - 1)[:, None] / 2


def faint(rng, rows):
    """Every other input is a hundred times smaller."""
    return inputs(rng, rows) * np.resize([1, 0.01], rows)[:, None, None, None]


def noisy(x):
    """A linear map, and noise that is small in small fields."""
    return np.roll(x, 5, -1) + 0.05 * np.square(x).mean((1, 2, 3), keepdims=True) * np.random.default_rng(3).normal(
        size=x.shape
    )


def ends(rng, rows):
    """A line that says something at its left end only."""
    x = np.zeros((rows, 1, LONG))
    x[..., :16] = rng.uniform(-1, 1, (rows, 1, 1))
    return x


def answered(x):
    """The size of what was said, at the right end, farther than convolutions reach."""
    y = np.ones_like(x)
    y[..., -16:] += 3 * np.abs(x[..., :1])
    return y
