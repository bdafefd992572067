import numpy as np

from mesofuse.volumes.phases import IGNORED, default_phases
from mesofuse.volumes.shading import IGNORED_SHADE, in_colours


def test_labels_have_their_phases_colours_and_ignored_voxels_a_grey():
    phases = default_phases(2)
    found = in_colours(np.array([[0, 1, IGNORED]], np.uint8), phases)
    assert found.tolist() == [[list(phases[0].rgb), list(phases[1].rgb), [IGNORED_SHADE] * 3]]


def test_intensities_are_as_they_are():
    values = np.random.default_rng(0).integers(0, 256, (3, 4, 5)).astype(np.uint8)
    assert np.array_equal(in_colours(values, ()), np.moveaxis(values, 0, -1))  # colours of a plane
    assert np.array_equal(in_colours(values, (), axes=3)[..., 1], values)  # grey values of a block of three planes
    assert in_colours(np.zeros((3, 2, 4, 5), np.uint8), (), axes=3).shape == (2, 4, 5, 3)
