import numpy as np
import pytest

from mesofuse.interfaces.method import FusionInputs
from mesofuse.pipeline.inputs import JobInputs
from mesofuse.pipeline.measuring import measure_images, measure_result, measured_of
from mesofuse.registry import get_registry
from mesofuse.testing.problems import blobs, intensity_problem, make_problem
from mesofuse.volumes.content import CHANNELS
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray


def stack(array):
    return LabelArray(array, Grid(array.shape[-3:]), ())


def job(images, problem):
    return JobInputs(None, images, problem, {}, ())


def values(measured):
    return {(r.metric, r.label): r.value for r in measured.results if hasattr(r, "value")}


@pytest.mark.parametrize("content", CHANNELS)
def test_what_is_measured_is_there_and_takes_such_voxels(content):
    for name in measured_of(content):
        assert content in get_registry().find("metric", name).options_model().contents


def test_the_planes_of_a_volume_are_compared_with_the_image_of_their_direction():
    rng = np.random.default_rng(0)
    rods = np.broadcast_to(rng.integers(0, 256, (32, 32)).astype(np.uint8), (32, 32, 32))  # unchanging along z
    end = stack(np.ascontiguousarray(rods[:1]))
    side = stack(np.ascontiguousarray(rods[:, 0])[None])  # rows z, columns x
    inputs = job((end, side, side), intensity_problem("grey"))
    measured, images = measure_result(stack(np.ascontiguousarray(rods)), inputs, None)
    found, wanted = values(measured), values(images)
    across, along = ("variogram", "grey | 1 voxel (normal to z)"), ("variogram", "grey | 1 voxel (normal to y, x)")
    assert found[across] == pytest.approx(wanted[across])
    # The side of a rod does not change along it: half of the planes' directions.
    assert found[along] < 0.6 * found[across]
    assert found["histogram-distance", "grey (normal to z)"] == pytest.approx(0)


def test_a_volume_of_the_image_alone_has_the_images_values_channel_by_channel():
    array = np.random.default_rng(0).integers(0, 256, (3, 1, 40, 40)).astype(np.uint8)
    image = stack(array)
    measured, images = measure_result(image, job((image,) * 3, intensity_problem("colour")), None)
    assert values(images).items() <= values(measured).items()
    assert values(images)["intensity-mean", "green"] == pytest.approx(array[1].mean())
    assert values(images)["intensity-deviation", "blue"] == pytest.approx(array[2].std())


def test_several_images_are_worth_their_mean_over_the_axes():
    one, other = blobs((2, 32, 32), 3, seed=1), blobs((2, 32, 32), 3, seed=2)
    other = LabelArray((other.array + 1) % 3, other.grid, other.phases)  # other shares
    problem = make_problem(0, 3, 1)
    both = values(measure_images(job((one, one, other), problem)))
    alone = [values(measure_images(job((image,) * 3, problem))) for image in (one, other)]
    for key, value in both.items():
        assert value == pytest.approx((2 * alone[0][key] + alone[1][key]) / 3)
    assert not any("normal to" in label for _, label in both)


def test_isotropic_inputs_have_one_group():
    image = blobs((1, 16, 16), 2)
    assert len(FusionInputs(None, (image,) * 3, make_problem(0, 2, 1)).groups) == 1
