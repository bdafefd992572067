import numpy as np
from mesofuse_statistical.shares import interpolated

from mesofuse.interfaces.method import TileInput
from mesofuse.volumes.grid import Region
from mesofuse.volumes.phases import IGNORED


def test_shares_add_up_to_one_but_where_voxels_are_ignored():
    field = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(np.uint8)
    region = Region.whole(field.shape)
    shares = list(interpolated(TileInput(region, region, field.shape, field, ()), (2.0, 3.0, 1.5), 3))
    assert np.allclose(sum(shares), 1)
    field[:] = IGNORED
    shares = list(interpolated(TileInput(region, region, field.shape, field, ()), (2.0, 3.0, 1.5), 3))
    assert not np.any(shares)
