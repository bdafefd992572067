import numpy as np
import zarr

from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats.catalogue import write_labels
from mesofuse.volumes.store import opening
from mesofuse.volumes.store.array_units import ArrayUnits
from mesofuse.volumes.store.opening import content_at, open_volume


def test_what_a_strangers_volume_holds_is_told_without_its_voxels(tmp_path, monkeypatch):
    """Its phases are found by reading all of it, which is done once, when it is opened."""
    path = tmp_path / "a.zarr"
    write_labels(blobs((8, 8, 8), 2), path)
    group = zarr.open_group(str(path), mode="r+")
    del group.attrs["mesofuse"]
    opened, read = [], []
    real, stored = opening.open_group, ArrayUnits.stored
    monkeypatch.setattr(opening, "open_group", lambda *given: opened.append(given) or real(*given))
    monkeypatch.setattr(ArrayUnits, "stored", lambda units: read.append(units) or stored(units))
    assert content_at(path) == "phases"
    assert (len(opened), len(read)) == (1, 0)
    volume = open_volume(path)
    assert (len(opened), len(read)) == (2, 1)
    assert np.array_equal(volume.read(volume.grid.region), blobs((8, 8, 8), 2).array)
