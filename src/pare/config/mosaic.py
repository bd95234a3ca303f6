"""How series and images are laid out as one picture for an image encoder, in tokens."""

from dataclasses import dataclass
from math import ceil

from pare.config.errors import PareError
from pare.config.schema import Task

SERIES_TOKENS = 144  # most tokens of a series' picture
IMAGE_EDGE = (4, 16)  # fewest and most tokens along an edge of an image


@dataclass(frozen=True)
class Mosaic:
    """How the channels of a sample are laid out, in tokens.

    Attributes:
        rows: tiles along the height.
        columns: tiles along the width.
        tile: tokens along height and width of one tile.
        colours: whether the three channels of a sample are the colours of one tile.
    """

    rows: int
    columns: int
    tile: tuple[int, int]
    colours: bool = False

    @property
    def tiles(self) -> int:
        """Tiles, empty ones included."""
        return self.rows * self.columns

    @property
    def grid(self) -> tuple[int, int]:
        """Tokens along height and width of the whole picture."""
        return self.rows * self.tile[0], self.columns * self.tile[1]


def mosaic_of(task: Task) -> Mosaic:
    """The mosaic for a task's series ``(channels, points)`` or images ``(channels, height, width)``.

    Raises:
        PareError: for volumes, which are no picture.
    """
    channels, *points = task.input.shape
    if len(points) > 2:
        raise PareError(
            f"the samples of the task are volumes, {list(task.input.shape)}, which the solved start cannot show to an "
            f"image encoder. Save slices as channels: [{channels * points[0]}, {', '.join(map(str, points[1:]))}]"
        )
    colours = len(points) == 2 and channels == 3
    tiles = 1 if colours else channels
    columns = ceil(tiles**0.5)
    rows = ceil(tiles / columns)
    if len(points) == 1:
        most = int((SERIES_TOKENS / (rows * columns)) ** 0.5)
        edge = max(2, min(round(points[0] ** 0.5), most))
        return Mosaic(rows, columns, (edge, edge))
    fewest, most = IMAGE_EDGE
    height, width = (max(min(n // 2, most), fewest) for n in points)
    return Mosaic(rows, columns, (height, width), colours)
