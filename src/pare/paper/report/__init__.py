"""The paper's tables and statistics, with our results beside its figures."""
