import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.streaming import plan as plan_module
from mesofuse.streaming.plan import Plan, check_fits, count_tiles, human_bytes, is_aligned, make_plan, sum_output
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.streaming.tiles import Tiling
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Region

TILING = Tiling((20, 20, 20), (8, 8, 8), (4, 4, 4), (4.0, 4.0, 4.0))


@pytest.mark.parametrize(
    ("unit", "aligned"), [(32, True), (16, True), (8, True), (64, False), (12, False), (80, False)]
)
def test_alignment_of_the_whole(unit, aligned):
    assert is_aligned(TILING, TILING.output, (unit,) * 3) is aligned


def test_alignment_of_regions():
    assert is_aligned(TILING, Region((32, 0, 0), (80, 32, 32)), (32, 32, 32))
    assert not is_aligned(TILING, Region((16, 0, 0), (80, 32, 32)), (32, 32, 32))
    # Within one tile nothing can be misaligned.
    assert is_aligned(TILING, Region((3, 5, 7), (31, 30, 29)), (11, 11, 11))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_counts_equal_the_listed_tiles(data):
    scale = data.draw(st.sampled_from([1.6, 2.0, 5.33]))
    tiling = Tiling((9, 14, 11), (4, 5, 3), (1, 1, 1), (scale,) * 3)
    start = tuple(data.draw(st.integers(0, n - 1)) for n in tiling.output.shape)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, tiling.output.shape, strict=True))
    listed = list(tiling.touching(Region(start, stop)))
    assert count_tiles(tiling, Region(start, stop)) == len(listed)
    assert sum_output(tiling, Region(start, stop)) == sum(t.output.size for t in listed)


def test_the_plan_of_a_small_volume_is_what_happens(tiny_model, tmp_path):
    model, _ = tiny_model()
    low = blobs((20, 18, 16), 2)
    plan = make_plan(model, low, low.grid.shape, workers=2)
    assert plan.shape == (80, 72, 64)
    assert plan.tiles == 2 * 2 * 1
    assert plan.aligned
    assert plan.scratch_bytes == 0
    assert plan.seconds > 0
    assert plan.peak_bytes > plan.tile_bytes > 0
    volume = generate(model, low, low.grid, str(tmp_path / "a.zarr"), GenerateOptions(levels=False))
    stored = volume.stored_bytes()
    assert stored < plan.disk_bytes < 20 * stored
    scratch = make_plan(model, low, low.grid.shape, unit=(50, 50, 50))
    assert not scratch.aligned
    assert scratch.scratch_bytes > 0


def test_planning_a_huge_volume_reads_only_a_tile(tiny_model):
    model, _ = tiny_model()

    class Endless:
        grid = None

        def read(self, region):
            assert region.size <= 24**3
            return np.zeros(region.shape, dtype=np.uint8)

    plan = make_plan(model, Endless(), (1200, 1200, 1200))
    assert plan.tiles == 75**3
    assert plan.peak_bytes < 4e9


def _plan(**changes):
    fields = {
        "shape": (8, 8, 8), "chunk": (8, 8, 8), "tiles": 1, "tile": (8, 8, 8), "workers": 1, "tile_bytes": 1,
        "peak_bytes": 1, "disk_bytes": 1, "scratch_bytes": 0, "seconds": 1.0, "aligned": True,
    }  # fmt: skip
    return Plan(**(fields | changes))


def test_what_does_not_fit_is_refused(tmp_path):
    out = str(tmp_path / "new" / "a.zarr")
    check_fits(_plan(), out)
    with pytest.raises(UserError, match="of memory"):
        check_fits(_plan(peak_bytes=10**15), out)
    with pytest.raises(UserError, match="on disk"):
        check_fits(_plan(disk_bytes=10**18), out)
    assert not (tmp_path / "new").exists()


def test_a_model_that_cannot_tile_is_refused_where_it_is_too_large(tiny_model, monkeypatch):
    model, _ = tiny_model()
    monkeypatch.setattr(type(model), "can_tile", False)
    monkeypatch.setattr(type(model), "tile_bytes", lambda self, shape: 10**15)
    with pytest.raises(UserError, match="whole volumes only"):
        make_plan(model, blobs((8, 8, 8), 2), (8, 8, 8))


def test_human_bytes():
    assert [human_bytes(v) for v in (0, 999, 1500, 2.5e8, 1.4e9, 3e12)] == [
        "0 B", "999 B", "1.5 kB", "250 MB", "1.4 GB", "3.0 TB",
    ]  # fmt: skip
    assert plan_module.DISK_MARGIN > 1
