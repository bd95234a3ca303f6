"""The processes that ``torchrun`` or ``accelerate launch`` starts together, as they say it in the environment."""

import os


def ranks() -> int:
    """The number of processes that were started together; 1: this one is alone."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "LOCAL_RANK" in os.environ else 1


def rank() -> int:
    """The number of this process among them, from 0: the main process, which writes files and speaks."""
    return int(os.environ.get("RANK", "0")) if ranks() > 1 else 0
