import numpy as np

from mesofuse.models.provenance import hash_labels, versions
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.store.labels import LabelVolume


def test_the_hash_is_that_of_the_voxels_whatever_they_lie_in(tmp_path):
    labels = blobs((140, 9, 12), 3)
    volume = LabelVolume.create(tmp_path / "a.zarr", labels.grid, labels.phases, chunks=8)
    for region in labels.grid.region.blocks(volume.write_unit):
        volume.write(region, labels.read(region))
    assert hash_labels(volume) == hash_labels(labels)
    changed = labels.array.copy()
    changed[139, 8, 11] ^= 1
    assert hash_labels(LabelArray(changed, labels.grid, labels.phases)) != hash_labels(labels)


def test_the_shape_counts():
    zeros = np.zeros(24, np.uint8)
    hashes = {hash_labels(LabelArray(zeros.reshape(s), Grid(s), ())) for s in ((2, 3, 4), (4, 3, 2), (1, 1, 24))}
    assert len(hashes) == 3


def test_versions_name_what_bears_on_numbers():
    assert {"mesofuse", "python", "torch", "numpy", "zarr"} <= set(versions())
