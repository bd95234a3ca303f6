"""A first look at a user's files: which reader opens them, and what a task needs to say of them.

What is proposed is what the reader gave, so that a task written from it runs; where the files leave a choice, the
guess is told in a note.
"""

from pare.raw.inspection.files import inspect_files
from pare.raw.inspection.findings import Inspection, Question

__all__ = ["Inspection", "Question", "inspect_files"]
