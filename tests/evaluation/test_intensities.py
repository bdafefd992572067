import numpy as np
import pytest

from mesofuse.evaluation.intensities import measure_intensities
from mesofuse.interfaces.method import FusionInputs
from mesofuse.testing.problems import intensity_problem
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray


def stack(array):
    return LabelArray(array, Grid(array.shape[-3:]), ())


def values(measured):
    return {(r.metric, r.label): r.value for r in measured.results}


def test_the_planes_of_a_volume_are_compared_with_the_image_of_their_direction():
    rng = np.random.default_rng(0)
    rods = np.broadcast_to(rng.integers(0, 256, (32, 32)).astype(np.uint8), (32, 32, 32))  # unchanging along z
    end = stack(np.ascontiguousarray(rods[:1]))
    side = stack(np.ascontiguousarray(rods[:, 0])[None])  # rows z, columns x
    inputs = FusionInputs(None, (end, side, side), intensity_problem("grey"))
    measured, images = measure_intensities(stack(np.ascontiguousarray(rods)), inputs)
    found, wanted = values(measured), values(images)
    across, along = "normal to z: grey", "normal to y, x: grey"
    assert found["variogram", f"{across}, 1 voxel"] == pytest.approx(wanted["variogram", f"{across}, 1 voxel"])
    # The side of a rod does not change along it: half of the planes' directions.
    assert found["variogram", f"{along}, 1 voxel"] < 0.6 * found["variogram", f"{across}, 1 voxel"]
    assert found["histogram-distance", across] == pytest.approx(0)
    assert wanted.keys() < found.keys()


def test_a_volume_of_the_image_alone_has_the_images_values_channel_by_channel():
    array = np.random.default_rng(0).integers(0, 256, (3, 1, 40, 40)).astype(np.uint8)
    image = stack(array)
    inputs = FusionInputs(None, (image,) * 3, intensity_problem("colour"))
    measured, images = measure_intensities(image, inputs)
    assert values(images).items() <= values(measured).items()
    assert values(images)["intensity-mean", "green"] == pytest.approx(array[1].mean())
    assert values(images)["intensity-deviation", "blue"] == pytest.approx(array[2].std())
