import numpy as np
import pytest

from pare.config.errors import PareError
from pare.own_data.findings import open_parts
from users_files import STATES, grouped, look


@pytest.mark.parametrize("name", ["f.h5", "f.hdf5"])
def test_the_last_state_of_each_group_is_predicted_from_the_first(tmp_path, name):
    found = look(grouped(tmp_path / name), "data")
    assert (found.kind, found.rows) == ("dense", {"train": 18, "test": 2})
    assert found.input_shape == found.output_shape == (2, 16)
    x, y = open_parts(found.reader, found.options, tmp_path)["test"].read(0, 2)
    np.testing.assert_array_equal(x, np.moveaxis(STATES[18:, 0], -1, 1))
    np.testing.assert_array_equal(y, np.moveaxis(STATES[18:, 4], -1, 1))


def test_another_target_of_groups_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(PareError, match=r"f\.h5 has a group for each sample.*samples along the first axis"):
        look(grouped(tmp_path / "f.h5"), "grid/x")
