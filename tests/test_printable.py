import json

import pytest

from mesofuse.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pore", "pore"),
        ("Näher ≥ 3 µm, 孔隙, می‌خواهم", "Näher ≥ 3 µm, 孔隙, می‌خواهم"),
        ("no\u00a0break", "no\u00a0break"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("a\nb\tc\r\x00", "a\\nb\\tc\\r\\x00"),
        ("\x9b31m", "\\u009b31m"),
        ("pore\u202egpj.exe", "pore\\u202egpj.exe"),
        ("\u2028line", "\\u2028line"),
        ("odd \udc80 byte", "odd \\udc80 byte"),
        ("\U000e0041tag", "\\udb40\\udc41tag"),
    ],
)
def test_control_characters_stand_as_escapes(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown


def test_what_is_kept_and_what_is_no_string():
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"
    assert printable(3) == "3"


def test_json_remains_json():
    data = {"\x7f\x9b\u202e\U000e0041\x1b\n": 1}
    text = json.dumps(data, ensure_ascii=False)
    assert not text.isprintable()
    assert json.loads(printable(text)) == data
