"""Files that unpack to much, are wide or damaged are refused by the name of a limit."""

import pytest

from tests.data.bombs import SMALL
from wattflock.core.errors import ScenarioError
from wattflock.data.files import listed, table_of
from wattflock.data.source import recognised


@pytest.mark.parametrize("tried", SMALL)
def test_what_unpacks_to_much_or_is_damaged_is_refused_by_name(tmp_path, tried):
    name, made, word = SMALL[tried]
    path = tmp_path / name
    path.write_bytes(made())
    with pytest.raises(ScenarioError, match=word) as refused:
        recognised(str(path))
        for file in listed(str(path), "a file"):
            table_of(file)
    assert all(len(str(problem)) < 400 for problem in refused.value.problems)
