import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.streaming.noise import draw_noise
from mesofuse.volumes.grid import Region

SPEC = NoiseSpec("input", 2)
WHOLE = Region((0, 0, 0), (40, 36, 50))


def test_noise_is_standard_normal():
    values = draw_noise(NoiseSpec("stage1", 1, (2.0, 2.0, 2.0)), 7, Region((0, 0, 0), (96, 96, 96)))
    assert values.dtype == np.float32
    assert values.mean() == pytest.approx(0, abs=5 / 940)
    assert values.std() == pytest.approx(1, abs=0.005)
    assert (values**4).mean() == pytest.approx(3, abs=0.05)
    for axis in (1, 2, 3):
        assert (values * np.roll(values, 1, axis)).mean() == pytest.approx(0, abs=5 / 940)


starts = st.tuples(*(st.integers(0, n - 1) for n in WHOLE.shape))
sizes = st.tuples(*(st.integers(1, n) for n in WHOLE.shape))


@settings(max_examples=25, deadline=None)
@given(starts, sizes)
def test_any_region_is_a_part_of_the_whole(start, size):
    stop = tuple(min(n, a + s) for a, s, n in zip(start, size, WHOLE.shape, strict=True))
    part = Region(start, stop)
    whole = draw_noise(SPEC, 3, WHOLE)
    np.testing.assert_array_equal(draw_noise(SPEC, 3, part), whole[(slice(None), *part.slices)])


def test_seed_name_channel_and_resolution_give_other_numbers():
    base = draw_noise(SPEC, 3, WHOLE)
    others = [
        draw_noise(SPEC, 4, WHOLE),
        draw_noise(NoiseSpec("other", 2), 3, WHOLE),
        draw_noise(NoiseSpec("input", 2, (2.0, 2.0, 2.0)), 3, WHOLE),
    ]
    for other in [*(o[0] for o in others), base[1]]:
        assert abs(np.corrcoef(base[0].ravel(), other.ravel())[0, 1]) < 0.02


def test_large_seeds_and_far_places_work():
    far = Region((2**31, 0, 10**9), (2**31 + 2, 2, 10**9 + 2))
    assert np.isfinite(draw_noise(SPEC, 2**64 - 1, far)).all()


def test_the_bits_stay_what_they_were():
    """A model's volumes must not change with a release: this hash may change only with the package format."""
    words = np.round(draw_noise(SPEC, 1, Region((0, 0, 0), (16, 16, 16))) * 1000).astype("<i4")
    assert hashlib.sha256(words.tobytes()).hexdigest()[:16] == "ae5044d41751b91a"
