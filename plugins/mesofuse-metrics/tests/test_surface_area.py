from __future__ import annotations

import math

import numpy as np
import pytest
from mesofuse_metrics.surface_area import SurfaceArea


def faces(z: int, y: int, x: int) -> int:
    return (z - 1) * y * x + z * (y - 1) * x + z * y * (x - 1)


def test_half_space(context, values):
    labels = np.zeros((8, 5, 6), np.uint8)
    labels[3:] = 1
    areas = values(SurfaceArea().measure(labels, context(labels, 3)))
    assert areas == {"pore | active": 30 / faces(8, 5, 6), "pore | binder": 0.0, "active | binder": 0.0}


def test_checkerboard_is_all_interface(context, values):
    labels = (np.indices((6, 6, 6)).sum(axis=0) % 2).astype(np.uint8)
    assert values(SurfaceArea().measure(labels, context(labels, 2))) == {"pore | active": 1.0}


def test_cube_in_a_box(context, values):
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[4:8, 3:8, 2:8] = 2
    area = 2 * (4 * 5 + 4 * 6 + 5 * 6)
    assert values(SurfaceArea().measure(labels, context(labels, 3)))["pore | binder"] == area / faces(12, 12, 12)


@pytest.mark.parametrize("phases", [3, 12])
def test_equals_direct_count_over_several_slabs(context, phases):
    labels = np.random.default_rng(1).integers(0, phases, (50, 120, 110), dtype=np.uint8)
    direct = np.zeros((phases, phases))
    for axis in range(3):
        a, b = np.delete(labels, -1, axis), np.delete(labels, 0, axis)
        np.add.at(direct, (np.minimum(a, b).ravel(), np.maximum(a, b).ravel()), 1)
    expected = direct[np.triu_indices(phases, 1)] / faces(*labels.shape)
    found = [m.value for m in SurfaceArea().measure(labels, context(labels, phases))]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_image_counts_edges_in_its_plane(context, values):
    labels = np.zeros((1, 4, 6), np.uint8)
    labels[:, :, 3:] = 1
    assert values(SurfaceArea().measure(labels, context(labels, 2))) == {"pore | active": 4 / (3 * 6 + 4 * 5)}


def test_stack_of_images_is_not_a_volume(context, values):
    labels = np.zeros((2, 4, 6), np.uint8)
    labels[1] = 1
    assert values(SurfaceArea().measure(labels, context(labels, 2, stack=True))) == {"pore | active": 0.0}
    assert values(SurfaceArea().measure(labels, context(labels, 2)))["pore | active"] > 0


def test_undefined_for_one_voxel_and_marked_as_per_voxel(context):
    labels = np.zeros((1, 1, 1), np.uint8)
    (one,) = SurfaceArea().measure(labels, context(labels, 2))
    assert math.isnan(one.value)
    assert one.per_voxel


def test_255_phases(context):
    labels = np.random.default_rng(0).integers(0, 255, (4, 5, 6), dtype=np.uint8)
    areas = SurfaceArea().measure(labels, context(labels, 255))
    assert len(areas) == 255 * 254 // 2
    unlike = sum(np.count_nonzero(np.diff(labels.astype(int), axis=a)) for a in range(3))
    assert sum(m.value for m in areas) == pytest.approx(unlike / faces(4, 5, 6))


def test_streams_exactly(check_additive):
    check_additive(SurfaceArea())


@pytest.mark.filterwarnings("ignore:CUDA not available")
def test_agrees_with_taufactor(context):
    from taufactor.metrics import interfacial_areas

    labels = np.random.default_rng(3).integers(0, 3, (10, 11, 12), dtype=np.uint8)
    per_volume = interfacial_areas(labels)  # the same faces, divided by the voxels
    shares = [m.value for m in SurfaceArea().measure(labels, context(labels, 3))]
    expected = [per_volume[pair] * labels.size / faces(10, 11, 12) for pair in ((0, 1), (0, 2), (1, 2))]
    assert shares == pytest.approx(expected)
