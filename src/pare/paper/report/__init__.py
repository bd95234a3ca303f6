"""The paper's tables and statistics, with our results next to its figures."""
