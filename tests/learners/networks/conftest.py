"""What tests of several networks use."""

from collections.abc import Callable, Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def set_threads() -> Iterator[Callable[[int], None]]:
    """Set torch's number of threads until the test ends; one at first.

    Several round otherwise, and a busy machine chooses their number anew.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch.set_num_threads
    torch.set_num_threads(threads)
