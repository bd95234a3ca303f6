"""Tensors of a CPU that are treated like an accelerator's: numpy cannot have them, and they take no arrays of numpy."""

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

WITH_ARRAYS = {"__getitem__", "__setitem__", "from_numpy", "as_tensor", "tensor"}  # rows by numbers, and what copies


class AsOnDevice(TorchFunctionMode):
    """Refuses what would fail for tensors of an accelerator, which go to numpy by `Tensor.cpu` alone."""

    def __init__(self):
        super().__init__()
        self.on_cpu = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in ("numpy", "__array__"):
            assert any(args[0] is known for known in self.on_cpu), f"{name} of a tensor of the device"
        elif name not in WITH_ARRAYS:
            assert not any(isinstance(one, np.ndarray) for one in args), f"{name} of a tensor and an array"
        found = func(*args, **(kwargs or {}))
        if name == "cpu":
            self.on_cpu.append(found)
        return found


def moved(*arrays):
    """Arrays as tensors."""
    return tuple(array if array is None else torch.from_numpy(array) for array in arrays)
