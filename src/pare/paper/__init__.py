"""The paper's own world: its datasets, tables, figures and statistics; nothing else imports it.

Registries of the library name its functions by their path, and import them when they are used.
"""
