import torch

from mesofuse.testing.reach import largest, reach, verdict
from mesofuse.volumes.grid import Region


def test_distance_is_counted_in_input_voxels():
    region = Region((2, 0, 0), (7, 5, 5))
    before = torch.zeros((1, 1, *region.scaled((2, 1, 1.6)).shape))
    after = before.clone()
    after[0, 0, 9, 2, 4] = 1  # z: owned by voxel 6; y: by 2; x: by 3 (its edges are 0, 1, 3, 4, 6, 8)
    assert reach(before, after, region, (4, 2, 2), (2, 1, 1.6)) == (2, 0, 1)
    assert reach(before, before, region, (4, 2, 2), (2, 1, 1.6)) == (0, 0, 0)


def test_largest_is_taken_on_each_axis():
    assert largest([(1, 0, 2), (0, 3, 1)]) == (1, 3, 2)


def test_only_a_wasteful_halo_is_remarked():
    assert verdict("halo", (1, 1, 1), (1, 1, 1)) == ""
    assert verdict("halo", (2, 1, 1), (1, 1, 1)) == "halo: larger than needed."
