"""Evaluating a trained model: metrics over the whole test set, and figures of what it learnt."""
