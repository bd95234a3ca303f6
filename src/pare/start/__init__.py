"""Solutions before any training: linear heads on features of the encoder, an anchor for fields."""

from pare.start.field_start import FieldStart
from pare.start.solved_start import SolvedStart

__all__ = ["FieldStart", "SolvedStart"]
