"""Tables as a notebook shows them."""

import pytest

from utils.tables import markdown


def test_a_table_by_hand():
    assert markdown(["a", "b"], [(1, "x")]) == "| a | b |\n| --- | --- |\n| 1 | x |"
    assert markdown(["a"], []) == "| a |\n| --- |"


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="Expected 2 cells in a row, received"):
        markdown(["a", "b"], [(1,)])
