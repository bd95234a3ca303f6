"""A trained model as one ONNX file, from raw numbers to probabilities or numbers in physical units."""

from pare.export.onnx_file import OnnxModel, to_onnx

__all__ = ["OnnxModel", "to_onnx"]
