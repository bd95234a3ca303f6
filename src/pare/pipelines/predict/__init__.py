"""The predict pipeline; README.md in this folder lists its inputs and outputs."""
