from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.evaluation.subvolumes import positions, sample
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

METRICS = ["volume-fraction", "surface-area"]
CASES = Path(__file__).parents[2].parent / "shared" / "data" / "case_studies"


def volume(shape=(20, 24, 28), seed: int = 0) -> LabelArray:
    labels = np.random.default_rng(seed).integers(0, 3, shape, dtype=np.uint8)
    return LabelArray(labels, Grid(shape), default_phases(3, ["pore", "active", "binder"]))


def test_positions_depend_on_seed_and_shape_alone():
    one, again = (positions(Grid((20, 30, 40)), size=8, count=50, seed=3) for _ in range(2))
    assert one == again
    assert one != positions(Grid((20, 30, 40)), size=8, count=50, seed=4)
    assert all(r.shape == (8, 8, 8) and Region((0, 0, 0), (20, 30, 40)).intersect(r) == r for r in one)
    doubled = positions(Grid((41, 61, 81)), size=16, count=50, seed=3)
    assert all(abs(a.start[0] * 2 - b.start[0]) <= 2 for a, b in zip(one, doubled, strict=True))


def test_positions_reach_every_corner():
    starts = {r.start for r in positions(Grid((9, 9, 9)), size=8, count=200)}
    assert len(starts) == 8


def test_patches_of_images_and_stacks():
    assert {r.shape for r in positions(Grid((1, 30, 40)), size=8, count=5)} == {(1, 8, 8)}
    patches = positions(Grid((6, 30, 40)), size=8, count=50, stack=True)
    assert {r.shape for r in patches} == {(1, 8, 8)}
    assert len({r.start[0] for r in patches}) == 6


def test_too_small_is_said():
    with pytest.raises(UserError, match="subvolume of 64"):
        positions(Grid((60, 100, 100)))
    with pytest.raises(UserError, match="patch of 64"):
        positions(Grid((1, 60, 100)))


def test_values_are_those_of_the_subvolumes():
    whole = volume()
    sampled = sample(whole, METRICS, size=8, count=12, seed=1, name="it")
    for region, value in zip(sampled.regions, sampled.values["volume-fraction", "active"], strict=True):
        assert value == np.mean(whole.read(region) == 1)
    assert sampled.volume == "it"
    assert {metric for metric, _ in sampled.per_voxel} == {"surface-area"}
    assert sampled.independent == 12
    assert sample(volume((9, 9, 9)), METRICS, size=8, count=12).independent == pytest.approx(9**3 / 8**3)


def test_processes_measure_the_same():
    alone = sample(volume(), METRICS, size=8, count=6)
    seen: list[tuple[int, int]] = []
    shared = sample(volume(), METRICS, size=8, count=6, workers=2, progress=lambda a, b: seen.append((a, b)))
    assert seen == [(i, 6) for i in range(1, 7)]
    for key, values in alone.values.items():
        assert np.array_equal(values, shared.values[key])


def test_interrupted_and_gone_on_with(tmp_path):
    record = tmp_path / "fused.jsonl"

    class Stop(Exception):
        pass

    def stop(done, total):
        if done == 4:
            raise Stop

    with pytest.raises(Stop):
        sample(volume(), METRICS, size=8, count=10, record=record, progress=stop)
    with record.open("a") as file:
        file.write('{"index": 7, "meas')  # as a kill leaves it
    steps: list[int] = []
    resumed = sample(volume(), METRICS, size=8, count=10, record=record, progress=lambda a, _: steps.append(a))
    assert steps == [5, 6, 7, 8, 9, 10]
    whole = sample(volume(), METRICS, size=8, count=10)
    assert all(np.array_equal(v, resumed.values[k]) for k, v in whole.values.items())
    steps.clear()
    again = sample(volume(), METRICS, size=8, count=10, record=record, progress=lambda a, _: steps.append(a))
    assert steps == []
    assert all(np.array_equal(v, again.values[k]) for k, v in whole.values.items())


def test_record_of_something_else_is_refused(tmp_path):
    record = tmp_path / "fused.jsonl"
    sample(volume(), METRICS, size=8, count=2, record=record)
    before = record.read_bytes()
    for other in ({"seed": 1}, {"count": 3}, {"size": 9}):
        with pytest.raises(UserError, match="not the record"):
            sample(volume(), METRICS, **{"size": 8, "count": 2, "record": record, **other})
    with pytest.raises(UserError, match="not the record"):
        sample(volume(seed=5), METRICS, size=8, count=2, record=record)
    assert record.read_bytes() == before
    assert json.loads(before.splitlines()[0])["size"] == 8


def test_metrics_of_volumes_are_skipped_for_images():
    sampled = sample(volume((1, 20, 20)), ["volume-fraction", "percolation"], size=8, count=3)
    assert list(sampled.skipped) == ["percolation"]
    assert len(sampled.values) == 3


@pytest.mark.skipif(not CASES.is_dir(), reason="the case studies' data are not here")
def test_published_patches_of_the_cathode():
    import tifffile

    published = np.genfromtxt(CASES / "NMC_published_metrics_high_res_slice.csv", delimiter=",", names=True)
    # The published areas are whole numbers of the in-plane edges of a 64² patch: the convention is the same.
    edges = 2 * 64 * 63
    for pair in ("pore_active", "pore_binder", "active_binder"):
        faces = published[f"sa_{pair}"] * edges
        assert np.abs(faces - np.round(faces)).max() < 0.01
    image = tifffile.imread(CASES / "NMC_hr_input.tif").astype(np.uint8).reshape(1, 1024, 1024)
    phases = default_phases(3, ["pore", "active", "binder"])
    sampled = sample(LabelArray(image, Grid(image.shape), phases), METRICS, size=64, count=256)
    # Both sets are patches of one section each, and not of the same one (no patch of this image has the published
    # counts), so that they agree within the spread between sections: some per cent.
    for key, column in (
        (("volume-fraction", "pore"), "vf_pore"),
        (("volume-fraction", "active"), "vf_active"),
        (("volume-fraction", "binder"), "vf_binder"),
        (("surface-area", "pore | active"), "sa_pore_active"),
        (("surface-area", "pore | binder"), "sa_pore_binder"),
        (("surface-area", "active | binder"), "sa_active_binder"),
    ):
        values = sampled.values[key]
        assert values.mean() == pytest.approx(published[column].mean(), rel=0.15)
        assert values.std() == pytest.approx(published[column].std(), rel=0.25)
