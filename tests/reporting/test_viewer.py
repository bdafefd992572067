from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from mesofuse.reporting import viewer
from mesofuse.reporting.viewer import Shown, png, viewer_data
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases


def volume(shape, voxel=0.1, phases=3):
    labels = np.random.default_rng(0).integers(0, phases, shape, dtype=np.uint8)
    return LabelArray(labels, Grid(shape, (voxel,) * 3, "micrometer"), default_phases(phases))


def decoded(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


@pytest.mark.parametrize("phases", [1, 2, 3, 4, 5, 16, 17, 255])
def test_png_shows_each_phase_in_its_colour(phases):
    one = volume((1, 9, 7), phases=phases)
    picture = Image.open(io.BytesIO(png(one.array[0], one.phases)))
    table = np.array([p.rgb for p in one.phases], np.uint8)
    assert picture.mode == "P"
    assert (np.asarray(picture.convert("RGB")) == table[one.array[0]]).all()


def test_scan_slice_lies_where_the_result_slice_lies():
    low, high = volume((6, 6, 6), 0.4), volume((24, 24, 24))
    low = LabelArray(low.array, Grid((6,) * 3, (0.4,) * 3, "micrometer", (0.15,) * 3), low.phases)
    data = viewer_data([Shown("scan", low, "scan"), Shown("fused", high)])
    assert list(data) == ["z", "y", "x"]
    for axis, found in enumerate(data.values()):
        scan, fused = found["panels"]
        assert scan["place"] == fused["place"] == [0, 0, 100, 100]
        for at, index in enumerate(found["slices"]):
            table = np.array([p.rgb for p in low.phases], np.uint8)
            expected = table[np.take(low.array, index // 4, axis)]
            assert (np.asarray(decoded(scan["images"][scan["frames"][at]]).convert("RGB")) == expected).all()


def test_large_volumes_show_a_bounded_field_and_number_of_slices():
    data = viewer_data([Shown("fused", volume((40, 300, 300)))])
    (panel,) = data["z"]["panels"]
    assert decoded(panel["images"][0]).size == (256, 256)
    assert sum(len(p["images"]) for axis in data.values() for p in axis["panels"]) <= 64


def test_budget_is_kept(monkeypatch):
    monkeypatch.setattr(viewer, "BUDGET", 60_000)
    data = viewer_data([Shown("fused", volume((64, 64, 64)))])
    size = sum(len(uri) for axis in data.values() for p in axis["panels"] for uri in p["images"])
    assert size <= 60_000
    assert len(data["z"]["slices"]) >= 3


def test_thin_volume_and_unknown_voxels():
    thin = LabelArray(np.zeros((1, 8, 8), np.uint8), Grid((1, 8, 8)), default_phases(1))
    data = viewer_data([Shown("fused", thin)])
    assert list(data) == ["z"]
    assert data["z"]["depths"] == ["voxel 0"]
