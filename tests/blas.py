"""What tests see of the library that multiplies matrices."""

from threadpoolctl import threadpool_info


def blas_threads() -> set[int]:
    """How many threads it has now."""
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}
