"""What can be solved before anything is trained: linear heads on features of the encoder, an anchor for fields."""

from pare.start.fields import FieldStart
from pare.start.solve import SolvedStart

__all__ = ["FieldStart", "SolvedStart"]
