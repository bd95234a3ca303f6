"""File formats of a user's own data, see `Format`; a first look finds the one that suits files, and its options.

Proposals come from what the format read, so that a task written from them runs. Where the files can be read in
several ways, a note says which one was guessed.
"""
