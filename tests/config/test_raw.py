"""What a task may say of its raw files."""

from pare.config.schema import Task


def with_raw(library, **changes):
    """Darcy flow with some keys of its raw files replaced."""
    task = library.tasks["darcy_flow"]
    return Task.model_validate(task | {"raw": task["raw"] | changes})


def test_the_chosen_origin_carries_its_own_licence_and_options(library):
    task = with_raw(library)
    other = with_raw(library, origin="download")
    assert task.raw.active.simulated
    assert other.raw.active.licence != task.raw.active.licence
    assert "files" in other.raw.active.options


def test_the_users_own_files_may_take_the_place_of_a_publishers(library):
    task = with_raw(library, files=["mine.mat"])
    assert task.raw.active.options == {"files": ["mine.mat"]}
    assert "download" in task.raw.origins
