import numpy as np
import pytest

from mesofuse.streaming.probe import compressed, probe_tile, resident
from mesofuse.streaming.tiles import Tiling
from mesofuse.testing.problems import blobs


def test_a_probe_measures_one_tile(tiny_model):
    model, _ = tiny_model()
    low = blobs((16, 16, 16), 2)
    tile = Tiling.of(model, low.grid.shape).tile((0, 0, 0))
    probe = probe_tile(model, tile, low.grid.shape, low, 0, "cpu")
    assert 0 < probe.seconds < 60
    assert probe.tile_bytes >= 64**3
    assert probe.base_bytes > 10**7
    assert 0 < probe.stored < 1


def test_what_fails_in_the_probe_is_raised_where_it_was_asked_for(tiny_model, monkeypatch):
    model, _ = tiny_model()
    low = blobs((4, 4, 4), 2)
    tile = Tiling.of(model, low.grid.shape).tile((0, 0, 0))
    monkeypatch.setattr(type(model), "reconstruct", lambda *args, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        probe_tile(model, tile, low.grid.shape, low, 0, "cpu")


def test_ordered_labels_compress_better():
    noise = np.random.default_rng(0).integers(0, 3, (32, 32, 32), dtype=np.uint8)
    assert compressed(np.sort(noise.ravel())) < 1000 < compressed(noise) < noise.nbytes
    assert resident() > 10**7
