import pytest

from pare.config.errors import PareError
from users_files import TABLE, look, npz, table


def test_files_of_different_kinds_are_refused(tmp_path):
    with pytest.raises(PareError, match=r"t\.csv, f\.npz: expected one table"):
        look(table(tmp_path) + npz(tmp_path, x=TABLE["mass"]))
