"""A first look at a user's files: which reader opens them, and what a task needs to say of them.

Proposals come from what the reader returned, so that a task written from them runs. Where the files can be read in
several ways, a note says which one was guessed.
"""

from pare.data.own.findings import Inspection, Question
from pare.data.own.inspect_files import family_of, inner_paths, inspect_files

__all__ = ["Inspection", "Question", "family_of", "inner_paths", "inspect_files"]
