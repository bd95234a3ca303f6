"""The best of several methods and baselines for a task, or a mean of them."""
