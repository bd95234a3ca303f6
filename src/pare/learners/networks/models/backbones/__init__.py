"""Pretrained encoders behind one small interface (paper, section 3.1).

A new family is a subclass of `TextBackbone` or `ImageBackbone` in `families`, and its entry in `FAMILIES` there.
"""

from pare.learners.networks.models.backbones.backbone import Backbone, ImageBackbone, TextBackbone
from pare.learners.networks.models.backbones.families import FAMILIES
from pare.learners.networks.models.backbones.loading import load_backbone

__all__ = ["FAMILIES", "Backbone", "ImageBackbone", "TextBackbone", "load_backbone"]
