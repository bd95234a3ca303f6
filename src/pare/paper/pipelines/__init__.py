"""Pipelines that only the paper needs; a folder each, as in pare.pipelines."""
