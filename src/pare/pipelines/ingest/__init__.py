"""The ingest pipeline; README.md in this folder lists its inputs and outputs."""
