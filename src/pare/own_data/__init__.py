"""A first look at a user's files: which reader opens them, and what a task needs to say of them.

What is proposed is what the reader gave, so that a task written from it runs; where the files leave a choice, the
guess is told in a note.
"""

from pare.own_data.findings import Inspection, Question
from pare.own_data.inspect_files import inspect_files

__all__ = ["Inspection", "Question", "inspect_files"]
