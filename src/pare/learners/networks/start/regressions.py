"""Regressions of fields: once they are fitted, another penalty is nearly free."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ridge:
    """Linear regression of centred rows in their singular directions; another penalty is nearly free."""

    mean: np.ndarray
    constant: np.ndarray
    directions: np.ndarray
    amounts: np.ndarray  # outputs along each direction times its singular value, (directions, outputs)
    squares: np.ndarray  # squared singular values

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> "Ridge":
        """Inputs ``(rows, inputs)``, outputs ``(rows, outputs)`` and weights of the rows."""
        mean, constant = np.average(x, 0, weights), np.average(y, 0, weights)
        varying = np.ptp(x, axis=0) > 0  # coordinates are not
        x, y = (x - mean)[:, varying], y - constant
        if weights is not None:
            x, y = x * np.sqrt(weights)[:, None], y * np.sqrt(weights)[:, None]
        wide = len(x) < x.shape[1]
        squares, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
        kept = squares > squares.max(initial=0) * 1e-14
        squares, vectors = squares[kept], vectors[:, kept]
        own = (vectors.T @ x) / np.sqrt(squares)[:, None] if wide else vectors.T
        directions = np.zeros((len(own), len(mean)))
        directions[:, varying] = own
        amounts = np.sqrt(squares)[:, None] * (vectors.T @ y) if wide else vectors.T @ (x.T @ y)
        return cls(mean, constant, directions, amounts, squares)

    def fields(self, penalty: float) -> np.ndarray:
        """What a unit along each direction adds to the outputs, ``(directions, outputs)``."""
        return self.amounts / (self.squares + penalty * self.squares.max(initial=0))[:, None]

    def predict(self, x: np.ndarray, *penalties: float) -> Iterator[np.ndarray]:
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

    constant: np.ndarray
    vectors: np.ndarray  # eigenvectors of the kernel of weighted rows, times the roots of the weights, (rows, vectors)
    amounts: np.ndarray  # outputs along each vector, ``(vectors, outputs)``
    squares: np.ndarray  # eigenvalues

    @classmethod
    def fit(cls, kernel: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> "KernelRidge":
        """Kernel of the rows, ``(rows, rows)``, outputs ``(rows, outputs)``, weights of the rows."""
        constant = np.average(y, 0, weights)
        roots = np.ones(len(y)) if weights is None else np.sqrt(weights)
        squares, vectors = np.linalg.eigh(kernel * np.outer(roots, roots))
        kept = squares > squares.max() * 1e-14
        squares, vectors = squares[kept], vectors[:, kept] * roots[:, None]
        return cls(constant, vectors, vectors.T @ (y - constant), squares)

    def fields(self, penalty: float) -> np.ndarray:
        """What a kernel of one adds to the outputs, ``(rows, outputs)``."""
        return self.vectors @ self._along(penalty)

    def predict(self, kernel: np.ndarray, *penalties: float) -> Iterator[np.ndarray]:
        """Kernel of new rows with the others, ``(new, rows)``, to outputs ``(new, outputs)``, by each penalty."""
        along = kernel @ self.vectors
        return (along @ self._along(penalty) + self.constant for penalty in penalties)

    def _along(self, penalty: float) -> np.ndarray:
        return self.amounts / (self.squares + penalty * self.squares.max())[:, None]


@dataclass(frozen=True)
class GaussianRidge:
    """Kernel ridge regression of rows with Gaussian kernels around each row that was learnt from."""

    mean: np.ndarray
    directions: np.ndarray  # the rows, less their mean
    ridge: KernelRidge
    width: float

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, width: float, weights: np.ndarray | None = None) -> "GaussianRidge":
        """Inputs ``(rows, inputs)``, outputs ``(rows, outputs)`` and weights of the rows.

        The width has the units of the inputs.
        """
        from sklearn.metrics.pairwise import euclidean_distances  # noqa: PLC0415

        mean = np.average(x, 0, weights)
        ridge = KernelRidge.fit(gaussian(euclidean_distances(x - mean, squared=True), width), y, weights)
        return cls(mean, x - mean, ridge, width)

    @property
    def constant(self) -> np.ndarray:
        """The outputs far from all rows, ``(outputs,)``."""
        return self.ridge.constant

    @property
    def squares(self) -> np.ndarray:
        """Eigenvalues of the kernel."""
        return self.ridge.squares

    def fields(self, penalty: float) -> np.ndarray:
        """What a kernel of one adds to the outputs, ``(rows, outputs)``."""
        return self.ridge.fields(penalty)

    def predict(self, x: np.ndarray, *penalties: float) -> Iterator[np.ndarray]:
        """Inputs ``(rows, inputs)`` to outputs ``(rows, outputs)``, with one penalty after the other."""
        from sklearn.metrics.pairwise import euclidean_distances  # noqa: PLC0415

        kernel = gaussian(euclidean_distances(x - self.mean, self.directions, squared=True), self.width)
        return self.ridge.predict(kernel, *penalties)


def gaussian(squared: np.ndarray, width: float) -> np.ndarray:
    """Gaussian kernels between rows and others, from their squared distances, ``(rows, others)``."""
    return np.exp(squared / (-2 * width**2))


def complete(y: np.ndarray) -> np.ndarray:
    """Outputs ``(rows, …)``, a missing one (NaN) as the mean of the rows that have it, so that it teaches little.

    Where no row has it, it is 0.
    """
    missing = np.isnan(y)
    if not missing.any():
        return y
    mean = np.where(missing, 0, y).sum(0) / np.maximum((~missing).sum(0), 1)
    return np.where(missing, mean, y).astype(y.dtype)


def rotated(x: np.ndarray) -> np.ndarray:
    """Rows ``(rows, inputs)`` in as few numbers as there are rows, ``(rows, numbers)``, of the same distances."""
    if len(x) >= x.shape[1]:
        return x
    x = x - x.mean(0)
    squares, vectors = np.linalg.eigh(x @ x.T)
    return vectors * np.sqrt(np.maximum(squares, 0.0))


def median_distance(x: np.ndarray) -> float:
    """Median distance between the first rows ``(rows, inputs)``; 1 if all are equal."""
    from sklearn.metrics.pairwise import euclidean_distances  # noqa: PLC0415

    distances = euclidean_distances(x[:500])
    return float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0
