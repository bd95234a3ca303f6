"""What a prediction rests on: columns of a table, spans of a series, patches of an image or a field.

A region of a row is hidden: it gets what training rows have there on average. How far the prediction changes says what
the region did for it. The model is only asked for predictions, so all models are explained alike.
"""

from pare.explanation.occlusion import Explanation, explain
from pare.explanation.questions import Question, ask_new_rows, ask_test_rows, expected_seconds

__all__ = ["Explanation", "Question", "ask_new_rows", "ask_test_rows", "expected_seconds", "explain"]
