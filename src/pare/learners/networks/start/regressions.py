"""Regressions of fields: once they are fitted, another penalty is nearly free.

Rows in double precision are numpy's on a CPU, where products of a matrix with itself take half of torch's time, and
torch's on an accelerator. What comes of them is alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = Any  # np.ndarray or Tensor, of which only what both have is used


@dataclass(frozen=True)
class Ridge:
    """Linear regression of centred rows in their singular directions; another penalty is nearly free."""

    mean: Array
    constant: Array
    directions: Array
    amounts: Array  # outputs along each direction times its singular value, (directions, outputs)
    squares: Array  # squared singular values

    @classmethod
    def fit(cls, x: Array, y: Array, weights: Array | None = None) -> "Ridge":
        """Inputs ``(rows, inputs)``, outputs ``(rows, outputs)`` and weights of the rows."""
        mean, constant = average(x, weights), average(y, weights)
        varying = (x != x[0]).any(0)  # coordinates are not
        x, y = (x - mean)[:, varying], y - constant
        if weights is not None:
            x, y = x * weights[:, None] ** 0.5, y * weights[:, None] ** 0.5
        wide = len(x) < x.shape[1]
        squares, vectors = library(x).linalg.eigh(x @ x.T if wide else x.T @ x)
        kept = squares > _largest(squares) * 1e-14
        squares, vectors = squares[kept], vectors[:, kept]
        own = (vectors.T @ x) / squares[:, None] ** 0.5 if wide else vectors.T
        directions = zeros(len(own), len(mean), x)
        directions[:, varying] = own
        amounts = squares[:, None] ** 0.5 * (vectors.T @ y) if wide else vectors.T @ (x.T @ y)
        return cls(mean, constant, directions, amounts, squares)

    def fields(self, penalty: float) -> Array:
        """What a unit along each direction adds to the outputs, ``(directions, outputs)``."""
        return self.amounts / (self.squares + penalty * _largest(self.squares))[:, None]

    def predict(self, x: Array, *penalties: float) -> Iterator[Array]:
        """Inputs ``(rows, inputs)`` to outputs ``(rows, outputs)``, with one penalty after the other."""
        along = (x - self.mean) @ self.directions.T
        return (along @ self.fields(penalty) + self.constant for penalty in penalties)

    @property
    def width(self) -> float:
        """Width of kernels, 0: there are none."""
        return 0.0


@dataclass(frozen=True)
class KernelRidge:
    """Kernel ridge regression by the eigenvectors of the kernel of the rows that were learnt from."""

    constant: Array  # the outputs far from all rows
    vectors: Array  # eigenvectors of the kernel of weighted rows, times the roots of the weights, (rows, vectors)
    amounts: Array  # outputs along each vector, ``(vectors, outputs)``
    squares: Array  # eigenvalues

    @classmethod
    def of_kernel(cls, kernel: Array, y: Array, weights: Array | None = None) -> "KernelRidge":
        """Kernel of the rows, ``(rows, rows)``, outputs ``(rows, outputs)``, weights of the rows."""
        constant = average(y, weights)
        roots = library(y).ones_like(y[:, 0]) if weights is None else weights**0.5
        squares, vectors = library(y).linalg.eigh(kernel * (roots[:, None] * roots))
        kept = squares > _largest(squares) * 1e-14
        squares, vectors = squares[kept], vectors[:, kept] * roots[:, None]
        return cls(constant, vectors, vectors.T @ (y - constant), squares)

    def fields(self, penalty: float) -> Array:
        """What a kernel of one adds to the outputs, ``(rows, outputs)``."""
        return self.vectors @ self._along(penalty)

    def predict(self, x: Array, *penalties: float) -> Iterator[Array]:
        """Kernel of new rows with the others, ``(new, rows)``, to outputs ``(new, outputs)``, by each penalty."""
        along = x @ self.vectors
        return (along @ self._along(penalty) + self.constant for penalty in penalties)

    def _along(self, penalty: float) -> Array:
        return self.amounts / (self.squares + penalty * _largest(self.squares))[:, None]


@dataclass(frozen=True)
class GaussianRidge(KernelRidge):
    """Kernel ridge regression of rows with Gaussian kernels around each row that was learnt from."""

    mean: Array
    directions: Array  # the rows, less their mean
    width: float

    @classmethod
    def fit(cls, x: Array, y: Array, width: float, weights: Array | None = None) -> "GaussianRidge":
        """Inputs ``(rows, inputs)``, outputs ``(rows, outputs)`` and weights of the rows.

        The width has the units of the inputs.
        """
        mean = average(x, weights)
        solved = KernelRidge.of_kernel(gaussian(squared_distances(x - mean), width), y, weights)
        return cls(**vars(solved), mean=mean, directions=x - mean, width=width)

    def predict(self, x: Array, *penalties: float) -> Iterator[Array]:
        """Inputs ``(rows, inputs)`` to outputs ``(rows, outputs)``, with one penalty after the other."""
        return super().predict(gaussian(squared_distances(x - self.mean, self.directions), self.width), *penalties)


def average(rows: Array, weights: Array | None = None) -> Array:
    """Mean of rows ``(rows, numbers)`` by their weights."""
    if isinstance(rows, Tensor):
        return rows.mean(0) if weights is None else weights @ rows / weights.sum()
    return np.average(rows, 0, weights)


def squared_distances(x: Array, others: Array | None = None) -> Array:
    """Squared distances between rows and others, or each other, ``(rows, others)``."""
    from sklearn.metrics.pairwise import euclidean_distances  # noqa: PLC0415

    if isinstance(x, Tensor):
        found = torch.cdist(x, x if others is None else others).square()
        return found.fill_diagonal_(0.0) if others is None else found
    return euclidean_distances(x, others, squared=True)


def gaussian(squared: Array, width: float) -> Array:
    """Gaussian kernels between rows and others, from their squared distances, ``(rows, others)``."""
    return library(squared).exp(squared / (-2 * width**2))


def complete(y: np.ndarray) -> np.ndarray:
    """Outputs ``(rows, …)``, a missing one (NaN) as the mean of the rows that have it, so that it teaches little.

    Where no row has it, it is 0.
    """
    missing = np.isnan(y)
    if not missing.any():
        return y
    mean = np.where(missing, 0, y).sum(0) / np.maximum((~missing).sum(0), 1)
    return np.where(missing, mean, y).astype(y.dtype)


def rotated(x: Array) -> Array:
    """Rows ``(rows, inputs)`` in as few numbers as there are rows, ``(rows, numbers)``, of the same distances."""
    if len(x) >= x.shape[1]:
        return x
    x = x - x.mean(0)
    squares, vectors = library(x).linalg.eigh(x @ x.T)
    return vectors * squares.clip(0.0) ** 0.5


def median_distance(x: Array) -> float:
    """Median distance between the first rows ``(rows, inputs)``; 1 if all are equal."""
    distances = on_cpu(squared_distances(x[:500])) ** 0.5
    return float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0


def on_device(values: np.ndarray, device: torch.device) -> Array:
    """The same on a device; still an array of numpy for a CPU, or where the device has no double precision."""
    return values if device.type in ("cpu", "mps") else torch.as_tensor(values, device=device)


def like(values: np.ndarray, others: Array) -> Array:
    """The same, of the library, the precision and the device of others if these are a device's."""
    return torch.as_tensor(values, dtype=others.dtype, device=others.device) if isinstance(others, Tensor) else values


def on_cpu(values: Array) -> np.ndarray:
    """The same as an array of numpy."""
    return values.cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def library(values: Array) -> Any:
    """The library of these values."""
    return torch if isinstance(values, Tensor) else np


def zeros(rows: int, numbers: int, like: Array) -> Array:
    """Zeros, ``(rows, numbers)``."""
    return like.new_zeros(rows, numbers) if isinstance(like, Tensor) else np.zeros((rows, numbers))


def _largest(squares: Array) -> Array:
    """The last of ascending numbers; 0 where there is none."""
    return squares[-1:].sum()
