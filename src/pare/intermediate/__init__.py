"""The intermediate modality (paper, sections 3.2 and 3.3): which patches to mix, how, and how many per epoch."""

from pare.intermediate.blending import cutmix, mixup
from pare.intermediate.curriculum import Curriculum
from pare.intermediate.replacement import replace_patches
from pare.intermediate.selection import relaxed_top_k

__all__ = ["Curriculum", "cutmix", "mixup", "relaxed_top_k", "replace_patches"]
