import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.streaming.tiles import Tiling
from mesofuse.volumes.grid import Region

axis = st.integers(1, 23)
tilings = st.builds(
    Tiling,
    shape=st.tuples(axis, axis, axis),
    edge=st.tuples(*[st.integers(1, 9)] * 3),
    halo=st.tuples(*[st.integers(0, 5)] * 3),
    scale=st.tuples(*[st.sampled_from([1.0, 1.6, 2.0, 3.0, 5.33])] * 3),
)


@settings(max_examples=40, deadline=None)
@given(tilings)
def test_outputs_tile_the_volume_and_windows_hold_the_halo(tiling):
    seen = np.zeros(tiling.output.shape, dtype=np.uint8)
    for tile in tiling.touching(tiling.output):
        seen[tile.output.slices] += 1
        for a, b, c, d, h, n in zip(
            tile.core.start, tile.core.stop, tile.window.start, tile.window.stop, tiling.halo, tiling.shape, strict=True
        ):
            assert c == max(0, a - h)
            assert d == min(n, b + h)
        assert all(o <= s for o, s in zip(tile.output.shape, tiling.slot, strict=True))
    assert (seen == 1).all()


@settings(max_examples=40, deadline=None)
@given(tilings, st.data())
def test_touching_gives_exactly_the_tiles_that_meet_a_region(tiling, data):
    start = tuple(data.draw(st.integers(0, n - 1)) for n in tiling.output.shape)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, tiling.output.shape, strict=True))
    region = Region(start, stop)
    every = list(tiling.touching(tiling.output))
    assert list(tiling.touching(region)) == [t for t in every if t.output.intersect(region)]


def test_tiles_do_not_depend_on_the_volume_beyond_them():
    small = Tiling((8, 8, 8), (4, 4, 4), (2, 2, 2), (4.0, 4.0, 4.0))
    large = Tiling((80, 80, 80), (4, 4, 4), (2, 2, 2), (4.0, 4.0, 4.0))
    assert small.tile((0, 1, 0)).core == large.tile((0, 1, 0)).core
