"""What all saved models can do."""

from pare.training.saved_model import SavedModel


class Nested(SavedModel):
    """A model with files two folders down."""

    def __init__(self, text):
        self.text = text

    def outputs(self, inputs, device):
        return inputs

    def save(self, folder):
        (folder / "members" / "first").mkdir(parents=True)
        (folder / "members" / "first" / "text").write_text(self.text)

    @classmethod
    def load(cls, folder):
        return cls((folder / "members" / "first" / "text").read_text())


def test_a_model_is_pickled_by_the_files_of_its_folder():
    make, (kind, files) = Nested("here").__reduce__()
    assert files == {"members/first/text": b"here"}
    assert make(kind, files).text == "here"
