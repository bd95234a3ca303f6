"""What can be solved before anything is trained: linear heads on features of the pretrained encoder."""

from pare.start.solve import SolvedStart

__all__ = ["SolvedStart"]
