"""Swin transformer (Liu et al., 2021)."""

from typing import Any, ClassVar

from torch import Tensor

from pare.config.errors import PareError
from pare.models.backbones.image import ImageBackbone


class SwinBackbone(ImageBackbone):
    """Attention in windows; every stage but the first halves the grid, rounding up, and doubles the width.

    Raises:
        PareError: if the last stage has fewer tokens than a window along an axis.
    """

    dropout_names: ClassVar[tuple[str, ...]] = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    hierarchical: ClassVar[bool] = True

    def __init__(self, encoder: Any, grid: tuple[int, ...]) -> None:
        super().__init__(encoder, grid)
        config = encoder.config
        rows, columns = self.rectangle
        self.out_width = config.hidden_size
        merging = 2 ** (len(config.depths) - 1)
        self.out_grid = self.token_grid = (-(-rows // merging), -(-columns // merging))
        if min(self.out_grid) < config.window_size:
            edge = config.window_size * merging
            raise PareError(
                f"this Swin needs at least {edge} tokens along each axis, the task makes {rows}×{columns}; "
                f"{self.remedy(edge)}"
            )

    def entering(self, tokens: Tensor) -> Any:
        """Tokens and their grid."""
        return tokens, self.rectangle
