from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.evaluation import measure as module
from mesofuse.evaluation.measure import block_shape, measure
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.interfaces.metric import AdditiveMetric, Measurement, Needs
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases


def volume(labels: np.ndarray, phases: int = 3) -> LabelArray:
    return LabelArray(labels, Grid(labels.shape), default_phases(phases))


def random_volume(shape=(20, 17, 23), phases: int = 3) -> LabelArray:
    return volume(np.random.default_rng(0).integers(0, phases, shape, dtype=np.uint8), phases)


class Chunked:
    """Labels that are read by region, counting the voxels read, as a volume on disk."""

    def __init__(self, inner: LabelArray, chunks):
        self.inner, self.chunks, self.grid, self.phases = inner, chunks, inner.grid, inner.phases
        self.read_voxels = 0

    def read(self, region: Region) -> np.ndarray:
        self.read_voxels += region.size
        return self.inner.read(region)


class Largest:
    """A metric that takes the whole volume."""

    needs: ClassVar[Needs] = Needs(three_d=True, bytes_per_voxel=100)

    def measure(self, labels, context):
        return [Measurement("largest", "label", float(labels.max()))]


class Slopes(AdditiveMetric):
    """Sums of floating numbers that depend on a neighbourhood of two voxels."""

    def reach(self, context):
        return (0, 0, 2)

    def count(self, block):
        x0 = block.core.start[2] - block.window.start[2]
        padded = np.pad(block.labels, ((0, 0), (0, 0), (0, 2))).astype(float)
        n = block.core.shape[2]
        at = block.core.within(block.window)
        return {"sum": np.array((padded[at[0], at[1], x0 + 2 : x0 + 2 + n] - block.own).sum() * 0.1)}

    def finish(self, counts, context):
        return [Measurement("slopes", "all", float(counts["sum"]))]


class Identity:
    """A degradation at scale 2: the phase of the first voxel of each scan voxel."""

    halo = (0, 0, 0)

    def __call__(self, probabilities, region):
        return probabilities[:, :2, ::2, ::2, ::2]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("chunks", [(4, 5, 6), (32, 32, 32), (1, 17, 23)])
def test_streamed_equals_whole(monkeypatch, chunks, workers):
    monkeypatch.setattr(module, "BLOCK", 300)
    whole = random_volume()
    metrics = ["volume-fraction", "surface-area", Slopes()]
    streamed = measure(Chunked(whole, chunks), metrics, workers=workers)
    monkeypatch.setattr(module, "BLOCK", 10**9)
    at_once = measure(whole, metrics)
    assert streamed.results[:6] == at_once.results[:6]
    assert streamed.results[6].value == pytest.approx(at_once.results[6].value)
    assert len(streamed.results) == 7


def test_each_block_is_read_once_for_all(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 8**3)
    source = Chunked(random_volume((32, 32, 32)), (8, 8, 8))
    measure(source, ["volume-fraction", "volume-fraction", "surface-area"])
    assert source.read_voxels < 32**3 * (10 / 8) ** 3
    alone = Chunked(source.inner, (8, 8, 8))
    measure(alone, ["volume-fraction"])
    assert alone.read_voxels == 32**3


def test_progress_counts_blocks(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 8**3)
    seen: list[tuple[str, int, int]] = []
    measure(
        Chunked(random_volume((16, 16, 16)), (8, 8, 8)),
        ["volume-fraction"],
        workers=2,
        progress=lambda what, done, total: seen.append((what, done, total)),
    )
    assert seen == [("blocks", i, 8) for i in range(1, 9)]


def test_progress_follows_a_metric_that_takes_the_whole_volume():
    seen: list[tuple[str, int, int]] = []
    metrics = ["volume-fraction", "tortuosity", "local-thickness"]
    measure(random_volume((9, 9, 9)), metrics, progress=lambda what, done, total: seen.append((what, done, total)))
    assert list(dict.fromkeys(what for what, _, _ in seen)) == ["blocks", "tortuosity", "local-thickness"]
    for name in metrics[1:]:
        shares = [done / total for what, done, total in seen if what == name]
        assert shares == sorted(set(shares))
        assert len(shares) > 3
        assert (shares[0], shares[-1]) == (0, 1)


def test_what_is_not_fit_is_known_before_anything_is_measured():
    volume = random_volume((1, 9, 9))
    metrics = ["volume-fraction", "tortuosity", "triple-phase-boundary"]
    reasons = module.unmeasurable(volume.grid, volume.phases[:2], metrics)
    assert set(reasons) == {"tortuosity", "triple-phase-boundary"}
    assert "3D volume" in reasons["tortuosity"]
    assert "at least 3 phases" in reasons["triple-phase-boundary"]
    assert set(measure(volume, metrics).skipped) == set(module.unmeasurable(volume.grid, volume.phases, metrics))


def test_blocks_are_whole_chunks_larger_than_the_reach():
    source = Chunked(random_volume((40, 40, 40)), (8, 8, 8))
    block = block_shape(source, (10, 10, 10))
    assert all(b % 8 == 0 or b == 40 for b in block)
    huge = Chunked(random_volume((2, 2, 2)), (64, 64, 64))
    huge.grid = Grid((4096, 4096, 4096))
    block = block_shape(huge, (1, 1, 1))
    assert all(b % 64 == 0 for b in block)
    assert 2**21 <= np.prod(block) <= 2**24
    assert all(b >= 200 for b in block_shape(huge, (100, 100, 100)))
    image = Chunked(random_volume((1, 2, 2)), (1, 64, 64))
    image.grid = Grid((1, 9000, 9000))
    assert 2**21 <= np.prod(block_shape(image, (1, 1, 1))) <= 2**24


def test_metric_with_options_by_name():
    with pytest.raises(UserError, match="nonsense"):
        measure(random_volume(), [("volume-fraction", {"nonsense": 1})])
    assert len(measure(random_volume(), [("volume-fraction", {})]).results) == 3


def test_unknown_metric_names_the_nearest():
    with pytest.raises(UserError, match="surface-area"):
        measure(random_volume(), ["surface-aera"])


def test_image_skips_metrics_of_volumes():
    result = measure(random_volume((1, 9, 9)), ["volume-fraction", Largest()])
    assert result.skipped == {"Largest": "It needs a 3D volume, and this is an image."}
    assert {r.metric for r in result.results} == {"volume-fraction"}
    stack = measure(random_volume((4, 9, 9)), [Largest()], stack=True)
    assert "Largest" in stack.skipped
    assert measure(random_volume((4, 9, 9)), [Largest()]).results[0].value == 2


def test_too_large_for_memory_is_left_out_before_reading():
    source = Chunked(random_volume(), (8, 8, 8))
    source.grid = Grid((100_000, 100_000, 100_000))
    assert "whole volume at once" in measure(source, [Largest()]).skipped["Largest"]
    assert "whole volume at once" in module.unmeasurable(source.grid, source.phases, ["percolation"])["percolation"]
    assert source.read_voxels == 0


def test_label_that_is_no_phase():
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[1, 1, 1] = 7
    with pytest.raises(UserError, match="label 7 but only 3 phases"):
        measure(volume(labels), ["volume-fraction"])


def test_low_res_metrics_need_all_they_need():
    high, low = random_volume((8, 8, 8)), volume(np.zeros((4, 4, 4), np.uint8), 2)
    match, name = PhaseMatch.by_index(2, 3), "low-res-consistency"
    assert "scan" in measure(high, [name]).skipped[name]
    assert "degradation" in measure(high, [name], scan=ScanReference(low, match)).skipped[name]
    more = {"scan": ScanReference(low, match, None, Identity())}
    assert "Separate images" in measure(high, [name], stack=True, **more).skipped[name]
    assert (
        "times the scale" in measure(high, [name], scan=ScanReference(low, match, (3, 3, 3), Identity())).skipped[name]
    )
    small = random_volume((8, 8, 7))
    assert (
        "times the scale" in measure(small, [name], scan=ScanReference(low, match, (2, 2, 2), Identity())).skipped[name]
    )
    assert (
        "fewer phases"
        in measure(
            random_volume((8, 8, 8), 2), [name], scan=ScanReference(low, PhaseMatch(((0,), (2,))), None, Identity())
        ).skipped[name]
    )


def test_low_res_consistency_streams(monkeypatch):
    labels = np.random.default_rng(1).integers(0, 2, (16, 12, 20), dtype=np.uint8)
    low = volume(labels[::2, ::2, ::2].copy(), 2)
    wrong = labels.copy()
    wrong[:2] ^= 1
    more = {"scan": ScanReference(low, PhaseMatch.by_index(2, 2), None, Identity())}
    monkeypatch.setattr(module, "BLOCK", 200)
    result = measure(Chunked(volume(wrong, 2), (3, 5, 7)), ["low-res-consistency", "surface-area"], **more)
    assert result.results[0].value == 1 - 1 / 8
    whole = measure(volume(wrong, 2), ["low-res-consistency", "surface-area"], **more)
    monkeypatch.setattr(module, "BLOCK", 10**9)
    assert measure(volume(wrong, 2), ["low-res-consistency", "surface-area"], **more).results == whole.results
    assert whole.results == result.results


def test_empty_list_and_single_voxel():
    assert measure(random_volume(), []).results == []
    one = measure(random_volume((1, 1, 1)), ["volume-fraction", "surface-area"])
    assert one.results[0].value + one.results[1].value + one.results[2].value == 1
    assert np.isnan(one.results[3].value)


def test_lengths_of_unknown_voxels_count_the_volumes_own():
    labels = blobs((16, 16, 16), 3)
    coarse = Grid((4, 4, 4))
    alone = LabelArray(labels.array, Grid((16, 16, 16)), labels.phases)
    made = LabelArray(labels.array, coarse.refined((4, 4, 4)), labels.phases)
    metrics = ["triple-phase-boundary", "specific-surface-area"]
    values = [[r.value for r in measure(v, metrics).results] for v in (alone, made)]
    assert values[0] == pytest.approx(values[1])
