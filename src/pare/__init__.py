"""PaRe: cross-modal fine-tuning by gradually generated intermediate modalities (Cai et al., ICML 2024)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pare.config.errors import PareError
    from pare.estimators import PaReClassifier, PaReField, PaReRegressor
    from pare.export import to_onnx
    from pare.learners.model import Model
    from pare.learners.networks.mixing import Curriculum, cutmix, mixup, relaxed_top_k, replace_patches
    from pare.prediction.predict import load

__version__ = "0.1.0"
__all__ = [
    "Curriculum",
    "Model",
    "PaReClassifier",
    "PaReField",
    "PaReRegressor",
    "PareError",
    "cutmix",
    "load",
    "mixup",
    "relaxed_top_k",
    "replace_patches",
    "to_onnx",
]
MODULES = {  # the others are in learners.networks.mixing
    "PaReClassifier": "estimators",
    "PaReField": "estimators",
    "PaReRegressor": "estimators",
    "PareError": "config.errors",
    "Model": "learners.model",
    "load": "prediction.predict",
    "to_onnx": "export",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: light commands need no torch."""
    if name not in __all__:
        raise AttributeError(f"module 'pare' has no attribute {name!r}; public are {', '.join(__all__)}")
    return getattr(import_module(f"pare.{MODULES.get(name, 'learners.networks.mixing')}"), name)


def __dir__() -> list[str]:
    """Public names, for completion: those that were not used yet are not in the module."""
    return sorted([*__all__, "__version__"])
