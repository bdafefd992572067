"""What a record keeps is exactly what was measured, or it is measured again."""

import pytest

from mesofuse.errors import UserError
from mesofuse.evaluation.record_log import opened
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.volumes.grid import Grid

SETTINGS = {"size": 8, "seed": 0}


def part(value):
    return Measured("part", Grid((8, 8, 8)), [Measurement("volume-fraction", "pore", value, "")], {})


def filled(record, order=(0, 1, 2, 3)):
    with opened(record, SETTINGS) as log:
        for index in order:
            if index not in log.done:
                log.add(index, part(index / 7))
        return dict(log.done)


def test_every_flipped_bit_is_found_or_the_file_refused(tmp_path):
    record = tmp_path / "a.jsonl"
    whole, data = filled(record), record.read_bytes()
    for at in range(0, len(data), 5):
        damaged = bytearray(data)
        damaged[at] ^= 1
        record.write_bytes(damaged)
        assert filled(record) == whole
        assert record.read_bytes() == data
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


@pytest.mark.parametrize("cut", [0, 1, 0.5, 0.9])
def test_torn_records_end_with_the_same_bytes(tmp_path, cut):
    record = tmp_path / "a.jsonl"
    whole, data = filled(record), record.read_bytes()
    record.write_bytes(data[: cut if cut in (0, 1) else int(cut * len(data))])
    assert filled(record) == whole
    assert record.read_bytes() == data


def test_lines_end_in_order_and_once(tmp_path):
    a, b = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    filled(a)
    filled(b, (2, 0, 3, 1))
    assert a.read_bytes() == b.read_bytes()
    a.write_bytes(a.read_bytes() + b"".join(a.read_bytes().splitlines(keepends=True)[1:]))
    filled(a)
    assert a.read_bytes() == b.read_bytes()


def test_lines_of_other_settings_are_refused_and_kept(tmp_path):
    record = tmp_path / "a.jsonl"
    filled(record)
    data = record.read_bytes()
    with pytest.raises(UserError, match="not the record"), opened(record, {**SETTINGS, "seed": 1}):
        pass
    assert record.read_bytes() == data
