"""The intermediate modality (paper, sections 3.2 and 3.3): which patches to mix, how, and how many per epoch."""

from pare.learners.networks.mixing.curriculum import Curriculum
from pare.learners.networks.mixing.mixers import cutmix, mixup
from pare.learners.networks.mixing.replacement import replace_patches
from pare.learners.networks.mixing.selection import relaxed_top_k

__all__ = ["Curriculum", "cutmix", "mixup", "relaxed_top_k", "replace_patches"]
