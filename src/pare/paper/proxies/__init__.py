"""Proxy datasets that a hub has."""
