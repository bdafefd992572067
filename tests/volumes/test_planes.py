import numpy as np

from mesofuse.volumes import planes as module
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.planes import Crop, planes, slabs

STACK = np.random.default_rng(0).integers(0, 3, (9, 5, 7), dtype=np.uint8)
VOLUME = LabelArray(STACK, Grid(STACK.shape, (0.4, 0.5, 0.6), "micrometer"), default_phases(3))


def test_planes_come_once_and_in_order(monkeypatch):
    np.testing.assert_array_equal(np.stack(list(planes(VOLUME))), STACK)
    monkeypatch.setattr(module, "_SLAB_VOXELS", 80)
    assert [r.shape for r, _ in slabs(VOLUME)] == [(2, 5, 7)] * 4 + [(1, 5, 7)]
    np.testing.assert_array_equal(np.stack(list(planes(VOLUME))), STACK)


def test_a_crop_is_a_volume_of_its_own():
    crop = Crop(VOLUME, Region((2, 1, 0), (8, 4, 7)))
    assert crop.grid == Grid((6, 3, 7), (0.4, 0.5, 0.6), "micrometer", (0.8, 0.5, 0.0))
    np.testing.assert_array_equal(crop.read(Region((1, 0, 2), (3, 3, 7))), STACK[3:5, 1:4, 2:7])
