"""Pretrained encoders behind one small interface (paper, section 3.1), one file a family.

A new family is one file with a subclass of `TextBackbone` or `ImageBackbone`, and its entry in `registry.FAMILIES`.
"""

from pare.models.backbones.backbone import Backbone
from pare.models.backbones.image import ImageBackbone
from pare.models.backbones.loading import load_backbone
from pare.models.backbones.registry import FAMILIES
from pare.models.backbones.text import TextBackbone

__all__ = ["FAMILIES", "Backbone", "ImageBackbone", "TextBackbone", "load_backbone"]
