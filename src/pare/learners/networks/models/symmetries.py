"""Symmetries of an equation: what turns one of its solutions into another, input and output changed alike.

A task declares under ``training.symmetries`` those that are exact for its equation, its boundary and its grid. Training
then sees each field in all its positions, and predictions can be averaged over them. Shapes: ``rows`` fields of
``channels`` at the points of a ``grid``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import prod

import torch
from torch import Tensor

from pare.config.run import is_periodic
from pare.learners.networks.draws import Draws


@dataclass(frozen=True)
class Symmetry:
    """A group of changes of a field.

    Attributes:
        count: how many changes there are for a grid; number 0 leaves the field alone.
        apply: makes the change of that number along the last axes of a field, ``(…, *grid)``.
        undo: makes it undone.
    """

    count: Callable[[Sequence[int]], int]
    apply: Callable[[Tensor, int], Tensor]
    undo: Callable[[Tensor, int], Tensor]


def _turn(field: Tensor, number: int) -> Tensor:
    turned = torch.rot90(field, number % 4, (-2, -1))
    return turned.flip(-1) if number >= 4 else turned


def _turn_back(field: Tensor, number: int) -> Tensor:
    return torch.rot90(field.flip(-1) if number >= 4 else field, -(number % 4), (-2, -1))


def _shift(field: Tensor, number: int) -> Tensor:
    return field.roll(number, -1)


def _shift_plane(field: Tensor, number: int) -> Tensor:
    return field.roll(_steps(field, number), (-2, -1))


def _shift_plane_back(field: Tensor, number: int) -> Tensor:
    rows, columns = _steps(field, number)
    return field.roll((-rows, -columns), (-2, -1))


def _steps(field: Tensor, number: int) -> tuple[int, int]:
    """Shifts of rows and columns; the column shift advances three times as fast, so that a subset covers the plane."""
    rows, columns = divmod(number, field.shape[-1])
    return rows, (columns + 3 * rows) % field.shape[-1]


def _mirror(field: Tensor, number: int) -> Tensor:
    return field.flip(-1) if number else field


SYMMETRIES: dict[str, Symmetry] = {
    # the eight rotations and reflections of the square
    "square": Symmetry(lambda _: 8, _turn, _turn_back),
    # any shift along a periodic line
    "shift": Symmetry(lambda grid: grid[0], _shift, lambda field, number: _shift(field, -number)),
    # any shift along both axes of a periodic plane
    "torus": Symmetry(prod, _shift_plane, _shift_plane_back),
    # left and right of a line exchanged
    "reflection": Symmetry(lambda _: 2, _mirror, _mirror),
}


@dataclass(frozen=True)
class Symmetries:
    """The declared symmetries of a task, one after another.

    Attributes:
        names: keys of `SYMMETRIES`.
        coordinates: channels at the end of an input that say where its points are, and so never change.
    """

    names: tuple[str, ...]
    coordinates: int = 0

    def __bool__(self) -> bool:
        return bool(self.names)

    def drawn(self, x: Tensor, y: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Inputs and outputs, ``(rows, channels, *grid)`` each, with a random change for each row.

        The same seed makes the same changes on any device: which change it is the program itself has to know.
        """
        for symmetry in self._symmetries():
            numbers = draws.on_host(partial(torch.randint, symmetry.count(x.shape[2:]))).tolist()
            x = torch.cat([self._changed(symmetry.apply, row, n) for row, n in zip(x.split(1), numbers, strict=True)])
            y = torch.cat([symmetry.apply(row, n) for row, n in zip(y.split(1), numbers, strict=True)])
        return x, y

    def copies(self, x: Tensor, y: Tensor, most: int) -> tuple[Tensor, Tensor]:
        """Inputs and outputs, ``(changes × rows, channels, *grid)`` each, every row changed in all ways.

        Args:
            x: the inputs.
            y: the outputs.
            most: most changes of one symmetry; of more, so many are used, evenly spread.
        """
        changes, outputs = list(self._changes(x, most)), replace(self, coordinates=0)
        return torch.cat([self._done(x, one) for one in changes]), torch.cat([outputs._done(y, one) for one in changes])

    def averaged(self, predict: Callable[[Tensor], Tensor], x: Tensor, most: int = 8) -> Tensor:
        """Mean of the predictions for all changes of the inputs, each undone.

        Args:
            predict: inputs to outputs, ``(rows, channels, *grid)`` each.
            x: the inputs.
            most: most changes of one symmetry; of more, so many are used, evenly spread.
        """
        total, count = torch.zeros(()), 0
        for changes in self._changes(x, most):
            total, count = total + self._undone(predict(self._done(x, changes)), changes), count + 1
        return total / count

    def averaged_at_once(self, predict: Callable[[Tensor], Tensor], x: Tensor, most: int = 8) -> Tensor:
        """The same in one prediction of as many times the rows: a graph of the network then holds it once."""
        changes = list(self._changes(x, most))
        fields = predict(torch.cat([self._done(x, numbers) for numbers in changes])).unflatten(0, (len(changes), -1))
        undone = [self._undone(fields[i], numbers) for i, numbers in enumerate(changes)]
        return torch.stack(undone).mean(0)

    def units(self, mean: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation at each point, as if all changes of all rows had been seen.

        Args:
            mean: at each point, ``(channels, *grid)``.
            scale: the standard deviation there.
        """
        for name in self.names:
            symmetry, moments = SYMMETRIES[name], torch.stack([mean.double(), scale.double() ** 2 + mean.double() ** 2])
            if is_periodic([name]):  # every value comes to every place
                centre, squares = moments.mean(tuple(range(2, moments.dim())), keepdim=True).expand_as(moments)
            else:
                numbers = range(symmetry.count(mean.shape[1:]))
                centre, squares = torch.stack([symmetry.apply(moments, number) for number in numbers]).mean(0)
            mean, scale = centre.to(mean), (squares - centre**2).clamp_min(0).sqrt().to(scale)
        return mean, scale

    def _changes(self, x: Tensor, most: int) -> Iterator[tuple[int, ...]]:
        """Numbers of the changes, one for each symmetry."""
        return product(*(_spread(symmetry.count(x.shape[2:]), most) for symmetry in self._symmetries()))

    def _done(self, x: Tensor, numbers: Sequence[int]) -> Tensor:
        for symmetry, number in zip(self._symmetries(), numbers, strict=True):
            x = self._changed(symmetry.apply, x, number)
        return x

    def _undone(self, field: Tensor, numbers: Sequence[int]) -> Tensor:
        for symmetry, number in reversed(list(zip(self._symmetries(), numbers, strict=True))):
            field = symmetry.undo(field, number)
        return field

    def _symmetries(self) -> Iterator[Symmetry]:
        return (SYMMETRIES[name] for name in self.names)

    def _changed(self, change: Callable[[Tensor, int], Tensor], x: Tensor, number: int) -> Tensor:
        """An input, its coordinates left as they are."""
        if not self.coordinates:
            return change(x, number)
        values, places = x[:, : -self.coordinates], x[:, -self.coordinates :]
        return torch.cat([change(values, number), places], dim=1)


def _spread(count: int, most: int) -> list[int]:
    return sorted({number * count // most for number in range(most)}) if count > most else list(range(count))
