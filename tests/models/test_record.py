import json

import pytest

from mesofuse.errors import UserError
from mesofuse.models.record import RECORD_BYTES, check_record, read_json

PHASE = {"value": 0, "name": "pore", "color": "#000000"}
SOUND = {
    "format": 1,
    "method": "interpolation",
    "options": {},
    "problem": {
        "scale": [4.0, 4.0, 4.0],
        "low_phases": [PHASE],
        "phases": [PHASE, {**PHASE, "value": 1, "name": "solid"}],
        "shows": [[0, 1]],
    },
    "weights_sha256": "0" * 64,
    "tile": [8, 8, 8],
    "halo": [0, 1, 2],
    "self_test": {"seed": 1, "sha256": "0" * 64},
    "provenance": {"interrupted": False, "voxel_size": [1.0, 1.0, 1.0], "unit": "micrometer"},
    "digest": "0" * 64,
}


def checked(record, path):
    check_record(record, path / "model.json", "train again")


def test_a_sound_record_passes(tmp_path):
    checked(SOUND, tmp_path)
    grey = {**SOUND["problem"], "low_phases": [], "phases": [], "shows": [], "content": "grey"}
    checked({**SOUND, "problem": grey, "provenance": {}}, tmp_path)


PROBLEMS = {
    "'problem.scale.0'": {"scale": [1e400, 4, 4]},
    "'problem.scale.1'": {"scale": [4, 1e9, 4]},
    "'problem.scale.2'": {"scale": [4, 4]},
    "0, 1, 2 … in this order": {"phases": [{**PHASE, "value": 1}]},
    "'problem.phases.0.color'": {"phases": [{**PHASE, "color": "red"}]},
    "'problem.phases.0.extra'": {"phases": [{**PHASE, "extra": 1}]},
    "'problem.phases.0.name'": {"phases": [{**PHASE, "name": "p" * 1000}]},
    "'problem.phases': tuple should": {"phases": [{**PHASE, "value": i % 255} for i in range(1000)]},
    "must name phases of the image": {"shows": [[0, 7]]},
    "each phase at most once": {"shows": [[0, 0]]},
    "one rule for each": {"shows": []},
    "'problem.content'": {"content": "smell"},
    "it has phases, or grey": {"phases": [], "shows": [[0]]},
}
FIELDS = {
    "'tile.0'": {"tile": [0, 8, 8]},
    "'tile.2'": {"tile": [8, 8, 10**9]},
    "'halo.1'": {"halo": [0, -1, 0]},
    "'weights_sha256'": {"weights_sha256": "../../etc/passwd"},
    "'self_test.sha256'": {"self_test": {"sha256": 4}},
    "'options'": {"options": [1]},
    "'method'": {"method": ["superres"]},
    "'provenance.voxel_size.0'": {"provenance": {"voxel_size": [-1, 1, 1]}},
    "'provenance.unit'": {"provenance": {"unit": "parsec"}},
    "'provenance.inputs'": {"provenance": {"inputs": "x"}},
    "'format'": {"format": "1"},
    "format 7, but this release": {"format": 7},
}


@pytest.mark.parametrize("words", [*PROBLEMS, *FIELDS])
def test_a_field_that_no_package_has_is_refused(words, tmp_path):
    change = {"problem": SOUND["problem"] | PROBLEMS[words]} if words in PROBLEMS else FIELDS[words]
    with pytest.raises(UserError) as caught:
        checked(SOUND | change, tmp_path)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("key", SOUND)
def test_a_missing_field_is_named(key, tmp_path):
    with pytest.raises(UserError, match=f"it lacks '{key}'|'{key}'"):
        checked({k: v for k, v in SOUND.items() if k != key}, tmp_path)


DAMAGED = {
    "Expecting value": b"",
    "nests too deep": b'{"a":' * 100_000,
    "nests too deep ": b"[" * 100_000 + b"]" * 100_000,
    "names 'format' twice": b'{"format": 1, "method": 2, "format": 1}',
    "utf-8": b"\xff\xfe",
    "it holds a int": b"1",
    "digits": b'{"format": ' + b"9" * 10_000 + b"}",
    "larger than 16 MiB": b" " * (RECORD_BYTES + 1),
}


@pytest.mark.parametrize("words", DAMAGED)
def test_a_damaged_file_is_refused(words, tmp_path):
    (tmp_path / "model.json").write_bytes(DAMAGED[words])
    with pytest.raises(UserError) as caught:
        read_json(tmp_path / "model.json", "train again")
    assert words.strip() in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_is_written_is_read(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(SOUND))
    assert read_json(tmp_path / "model.json", "train again") == SOUND
