"""Pages of docs/ that are written from the configuration and the results."""
