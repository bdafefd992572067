import pytest

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FusionInputs
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.training.recipe import BatchOptions
from mesofuse.training.views import patch_of, views_of
from mesofuse.volumes.grid import Region

IMAGE = blobs((2, 40, 40), 3)


class Shape:
    scale, halo = (4.0, 4.0, 4.0), (3, 3, 3)


def views(low_res, **batch):
    scale = 4 if low_res is None or low_res.grid.shape[0] > 1 else (1, 4, 4)
    problem = make_problem(0 if low_res is None else 2, 3, 1 if low_res is None else scale)
    shape = Shape()
    shape.scale = tuple(map(float, scale)) if isinstance(scale, tuple) else Shape.scale
    return views_of(BatchOptions(**batch), FusionInputs(low_res, (IMAGE,) * 3, problem), shape, 32)


def test_one_view_shows_all_axes():
    (view,) = views(blobs((20, 20, 20), 2), context=2, margin=4)
    assert view.axes == (0, 1, 2)
    assert view.region.shape == (14, 14, 14)
    assert view.core == Region((2, 2, 2), (12, 12, 12))
    assert view.margin == (4, 4, 4)


def test_slabs_are_thin_along_their_own_axis_and_hold_full_crops_in_their_plane():
    found = views(blobs((20, 20, 20), 2), slab=3, context=2, margin=4)
    assert [v.axes for v in found] == [(0,), (1,), (2,)]
    assert [v.core.shape for v in found] == [(3, 10, 10), (10, 3, 10), (10, 10, 3)]
    assert [v.region.shape for v in found] == [(7, 14, 14), (14, 7, 14), (14, 14, 7)]
    assert [v.margin for v in found] == [(0, 4, 4), (4, 0, 4), (4, 4, 0)]


def test_without_a_scan_the_halo_is_the_context():
    found = views(None, slab=2)
    assert found[1].core.shape == (8, 2, 8)
    assert found[1].region == found[1].core.grown((3, 3, 3))
    assert found[1].fields is None


def test_a_window_widens_the_plane_alone():
    assert views(blobs((20, 20, 20), 2), slab=2, window=12)[0].core.shape == (2, 12, 12)
    assert views(blobs((20, 20, 20), 2), slab=12, window=9)[0].core.shape == (12, 9, 9)


def test_slabs_that_cannot_be_are_refused():
    with pytest.raises(UserError, match="at least"):
        views(blobs((20, 20, 20), 2), slab=21)
    with pytest.raises(UserError, match="one voxel thick"):
        views(blobs((1, 20, 20), 2), slab=1)
    (image,) = views(blobs((1, 20, 20), 2))
    assert image.axes == (0,)
    assert image.core.shape == (1, 8, 8)


def test_without_critics_a_patch_is_no_larger_than_scan_and_image():
    problem = make_problem(2, 3, 4)

    def edge(scan, image, patch=48, scale=(4.0, 4.0, 4.0)):
        inputs = FusionInputs(blobs(scan, 2), (blobs((1, *image), 3),) * 3, problem)
        return patch_of(BatchOptions(patch=patch), inputs, scale)

    assert edge((20, 20, 20), (100, 100)) == 48
    assert edge((20, 9, 20), (100, 100)) == 36
    assert edge((20, 20, 20), (100, 30)) == 30
    assert edge((1, 20, 20), (100, 100), scale=(1.0, 4.0, 4.0)) == 48
    assert edge((20, 20, 20), (100, 100), patch=20) == 20
