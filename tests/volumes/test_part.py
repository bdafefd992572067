import numpy as np
import pytest

from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.part import Part
from mesofuse.volumes.phases import default_phases


def test_a_part_is_a_volume_of_its_own():
    labels = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    whole = LabelArray(labels, Grid((3, 4, 5), (2.0, 1.0, 1.0), "micrometer"), default_phases(60))
    part = Part(whole, Region((1, 0, 2), (3, 4, 5)))
    assert np.array_equal(part.read(part.grid.region), labels[1:, :, 2:])
    assert part.read(Region((1, 3, 0), (2, 4, 1))) == labels[2, 3, 2]
    assert part.grid.origin == pytest.approx((2.0, 0.0, 2.0))
    assert part.grid.unit == "micrometer"
    assert part.phases is whole.phases
    assert part.chunks is None
