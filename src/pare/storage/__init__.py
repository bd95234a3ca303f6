"""Arrays on disk: whole-or-nothing writes, fingerprints, and the model-input store."""
