"""Trained models as folders that need no other: a method's model, the record of its making, its README."""
