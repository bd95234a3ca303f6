"""File formats: untrusted bytes to arrays and tables. No publisher is known here."""
