"""What messages tell a person to do about a file that cannot be used."""

INGEST = "kedro run --pipelines=ingest --params task=<task>"
FETCH = f"fetch it: {INGEST}"
FETCH_AGAIN = f"Remove it and fetch it again: {INGEST}"
