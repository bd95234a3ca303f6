"""Kedro pipelines, a folder each: ``pipeline.py`` wires its ``nodes.py``; ``pipeline_registry.py`` composes them."""
