"""Solutions before any training: linear heads on features of the encoder, an anchor for fields."""

from pare.learners.networks.start.field_start import FieldStart
from pare.learners.networks.start.solved_start import SolvedStart

__all__ = ["FieldStart", "SolvedStart"]
