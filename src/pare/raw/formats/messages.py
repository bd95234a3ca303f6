"""What messages tell a person to do about a file that cannot be used."""

from pare.config.errors import INGEST

FETCH = f"fetch it: {INGEST}"
FETCH_AGAIN = f"Remove it and fetch it again: {INGEST}"
