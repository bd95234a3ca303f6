"""Pretrained encoders behind one interface, embedders, gate and predictors, and the model they make.

Notation for shapes: batch; tokens N; width D of a token; ``*grid`` the axes of a field.
"""

from pare.learners.networks.models.backbones import Backbone, load_backbone
from pare.learners.networks.models.model import CrossModalModel, build_model
from pare.learners.networks.models.network import Network

__all__ = ["Backbone", "CrossModalModel", "Network", "build_model", "load_backbone"]
