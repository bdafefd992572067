import numpy as np

from mesofuse.testing.problems import blobs
from mesofuse.volumes.described import Described
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray, is_masked
from mesofuse.volumes.phases import default_phases


def test_it_reads_the_labels_under_another_grid_or_other_names():
    labels = blobs((6, 7, 8), 2)
    grid, phases = Grid((6, 7, 8), (3.0, 2.0, 1.0), "nanometer"), default_phases(2, ("a", "b"))
    placed, named = Described.of(labels, grid), Described.of(labels, phases=phases)
    assert (placed.grid, placed.phases) == (grid, labels.phases)
    assert (named.grid, named.phases) == (labels.grid, phases)
    part = Region((1, 2, 3), (4, 5, 6))
    assert np.array_equal(placed.read(part), labels.read(part))
    assert placed.chunks is None


def test_it_keeps_that_voxels_are_ignored():
    labels = blobs((4, 4, 4), 2)
    assert not is_masked(Described.of(labels))
    assert is_masked(Described.of(LabelArray(labels.array, labels.grid, labels.phases, masked=True)))
