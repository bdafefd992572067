import numpy as np
import pytest
from mesofuse_metrics.options import PatternOptions
from mesofuse_metrics.pattern_distance import PatternDistance

from mesofuse.evaluation.measure import measure
from mesofuse.interfaces.metric import Measurement
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.patterns import Stencil, js_divergence, pattern_counts, shares, turned_counts
from mesofuse.volumes.phases import default_phases


def array(labels: np.ndarray, phases: int) -> LabelArray:
    return LabelArray(labels.astype(np.uint8), Grid(labels.shape), default_phases(phases))


def values(volume: LabelArray, image, stack=False, workers=1, **options) -> dict[str, float]:
    images = image if isinstance(image, dict) else dict.fromkeys(range(3), image)
    found = measure(volume, [("pattern-distance", options)], images=images, stack=stack, workers=workers)
    assert all(isinstance(r, Measurement) for r in found.results)
    return {f"{r.metric.removeprefix('pattern-')} {r.label}": r.value for r in found.results}


@pytest.mark.parametrize("phases", [2, 3, 4])
def test_it_is_the_divergence_of_both_histograms(phases: int) -> None:
    volume, image = blobs((10, 12, 14), phases, seed=1), blobs((3, 30, 30), phases, seed=2)
    found, stencil = values(volume, image), Stencil.of(phases)
    for spacing in (1, 2):
        for axis, name in enumerate("zyx"):
            own = pattern_counts(np.moveaxis(volume.array, axis, 0), stencil, spacing)
            target = turned_counts(image.array, stencil, spacing, range(8))
            expected = js_divergence(shares(own), shares(target))
            assert found[f"distance spacing {spacing} | {name}"] == pytest.approx(expected)


def test_a_part_of_the_same_texture_is_near_its_floor_and_another_texture_is_far() -> None:
    same, other = blobs((32, 32, 32), 3, seed=3), np.random.default_rng(0).integers(3, size=(32, 32, 32))
    planes = blobs((64, 64, 64), 3, seed=4).array[::4]
    image = array(planes, 3)
    near, far = values(same, image, spacings=(2,)), values(array(other, 3), image, spacings=(1,))
    for axis in "zyx":
        assert near[f"distance spacing 2 | {axis}"] < 2 * near[f"distance-floor spacing 2 | {axis}"]
        assert far[f"distance spacing 1 | {axis}"] > 5 * far[f"distance-floor spacing 1 | {axis}"]


def test_images_for_directions_are_held_against_their_own_planes() -> None:
    """Layers normal to z: stripes in planes normal to y and x, one phase in those normal to z."""
    layers = np.broadcast_to((np.arange(24) // 3 % 2)[:, None, None], (24, 24, 24))
    stripes, plain = layers[:, :1].swapaxes(0, 1), layers[::3]
    images = {0: array(plain, 2), 1: array(stripes, 2), 2: array(stripes, 2)}
    right = values(array(layers, 2), images, spacings=(1,))
    wrong = values(array(layers.swapaxes(0, 2), 2), images, spacings=(1,))
    assert max(right[f"distance spacing 1 | {a}"] for a in "zyx") < 0.01
    assert min(wrong[f"distance spacing 1 | {a}"] for a in "zx") > 0.2


def test_symmetries_decide_what_is_alike() -> None:
    """An image of rows: turned by a right angle only where that is reported."""
    rows = array(np.broadcast_to((np.arange(24) // 3 % 2)[None, :, None], (2, 24, 24)), 2)
    turned = array(rows.array.swapaxes(1, 2), 2)
    distances = {s: values(turned, rows, stack=True, spacings=(1,), symmetry=s) for s in ("rotate", "mirror", "none")}
    key = "distance spacing 1"
    assert distances["rotate"][key] < 0.5 < distances["mirror"][key] == pytest.approx(distances["none"][key])


def test_ignored_voxels_are_left_out() -> None:
    volume, image = blobs((16, 16, 16), 3, seed=1), blobs((3, 30, 30), 3, seed=2)
    masked = volume.array.copy()
    masked[:, :, 10:] = 255
    metric = PatternDistance(PatternOptions(spacings=(1,)))
    from mesofuse.interfaces.metric import MetricContext

    images = dict.fromkeys(range(3), image)
    whole = metric.measure(masked, MetricContext(Grid(masked.shape), volume.phases, images=images))
    part = volume.array[:, :, :10]
    alone = metric.measure(part, MetricContext(Grid(part.shape), volume.phases, images=images))
    # Planes normal to x within the mask show no pattern at all.
    assert [r.value for r in whole] == pytest.approx([r.value for r in alone])


def test_streamed_over_blocks_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    volume, image = blobs((40, 33, 37), 3, seed=1), blobs((3, 30, 30), 3, seed=2)
    whole = values(volume, image)
    from mesofuse.evaluation import measure as module

    monkeypatch.setattr(module, "BLOCK", 1000)
    monkeypatch.setattr(module, "block_shape", lambda labels, reach: (16, 20, 12))
    assert values(volume, image, workers=2) == whole


def test_without_an_image_it_is_skipped_with_the_reason() -> None:
    assert measure(blobs((8, 8, 8), 3), ["pattern-distance"]).skipped == {
        "pattern-distance": "It needs the image to compare with."
    }
    other = measure(blobs((8, 8, 8), 3), ["pattern-distance"], images=dict.fromkeys(range(3), blobs((1, 20, 20), 2)))
    assert "another number of phases" in other.skipped["pattern-distance"]


def test_a_volume_smaller_than_a_pattern_has_no_value() -> None:
    found = values(blobs((4, 4, 4), 3), blobs((1, 30, 30), 3), spacings=(1, 4))
    assert np.isnan(found["distance spacing 4 | z"])
    assert np.isfinite(found["distance spacing 1 | z"])


def test_it_conforms() -> None:
    assert_conforms("metric", "pattern-distance")
