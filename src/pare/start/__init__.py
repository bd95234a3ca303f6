"""What can be solved before anything is trained: linear heads on a frozen encoder."""

from pare.start.solve import SolvedStart

__all__ = ["SolvedStart"]
