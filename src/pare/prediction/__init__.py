"""Predictions of new rows: a trained model opened from a folder or the hub, and the rows that it is given."""
