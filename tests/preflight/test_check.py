import json

import numpy as np

from mesofuse.preflight.check import MOST_PHASES, Check, Sample, phase_groups
from mesofuse.volumes.phases import default_phases


def test_json_has_no_number_that_is_not_one():
    check = Check("x", "unknown", "S.", {"a": float("nan"), "b": [1.0, float("inf")], "c": {"d": (2, "t")}})
    text = json.dumps(check.to_json(), allow_nan=False)
    assert json.loads(text)["numbers"] == {"a": None, "b": [1.0, None], "c": {"d": [2, "t"]}}


def test_pieces_are_told_apart_by_identity():
    one, other = [np.zeros((4, 4), np.uint8)], [np.ones((4, 4), np.uint8)]
    assert Sample("image", (one, one, one), default_phases(2)).isotropic
    mixed = Sample("image", (one, one, other), default_phases(2))
    assert not mixed.isotropic
    assert len(mixed.all) == 2


def test_of_many_phases_the_largest_are_looked_at():
    labels = np.repeat(np.arange(20), np.arange(1, 21)).astype(np.uint8)[None]
    many = Sample("image", ([labels],) * 3, default_phases(20))
    assert phase_groups(many) == [(v,) for v in range(20 - MOST_PHASES, 20)]
    assert phase_groups(Sample("image", ([labels],) * 3, default_phases(3))) == [(0,), (1,), (2,)]
