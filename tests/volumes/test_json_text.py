import pytest

from mesofuse.volumes.json_text import load_json


def test_json_is_read():
    assert load_json('{"a": [1, 2.5, null, "é"]}') == {"a": [1, 2.5, None, "é"]}


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000, "{", "", "nul", "9" * 5000])
def test_whatever_is_wrong_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        load_json(text)
