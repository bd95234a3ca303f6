"""Every family of encoders by the ``model_type`` of its Hugging Face configuration."""

from pare.models.backbones.bert import BertBackbone
from pare.models.backbones.convnextv2 import ConvNextV2Backbone
from pare.models.backbones.dinov2 import Dinov2Backbone
from pare.models.backbones.image import ImageBackbone
from pare.models.backbones.modernbert import ModernBertBackbone
from pare.models.backbones.roberta import RobertaBackbone
from pare.models.backbones.swin import SwinBackbone
from pare.models.backbones.text import TextBackbone
from pare.models.backbones.vit import ViTBackbone

FAMILIES: dict[str, type[TextBackbone] | type[ImageBackbone]] = {
    "bert": BertBackbone,
    "convnextv2": ConvNextV2Backbone,
    "dinov2": Dinov2Backbone,
    "modernbert": ModernBertBackbone,
    "roberta": RobertaBackbone,
    "swin": SwinBackbone,
    "vit": ViTBackbone,
}
