"""A first look at a user's files: which reader opens them, and what a task needs to say of them.

Proposals come from what the reader returned, so that a task written from them runs. Where the files can be read in
several ways, a note says which one was guessed.
"""
