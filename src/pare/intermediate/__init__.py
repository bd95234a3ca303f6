"""The intermediate modality (paper, sections 3.2 and 3.3): which patches to mix, how, and how many per epoch."""

from pare.intermediate.curriculum import Curriculum
from pare.intermediate.replacement import replace_patches
from pare.intermediate.selection import relaxed_top_k

__all__ = ["Curriculum", "relaxed_top_k", "replace_patches"]
