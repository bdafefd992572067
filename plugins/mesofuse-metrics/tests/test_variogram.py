import numpy as np
import pytest
from mesofuse_metrics.variogram import Variogram

from mesofuse.interfaces.metric import Curve, MetricContext
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import intensities
from mesofuse.volumes.grid import Grid


def test_conforms_to_the_kit():
    assert_conforms("metric", "variogram")


def values(found):
    return {str(r.label): r.value for r in found if not isinstance(r, Curve)}


def test_stripes_are_unlike_at_odd_distances():
    """Along two axes nothing changes; along the third 0 and 10 alternate: ½ · 100 at distance 1, 0 at 2."""
    stripes = np.zeros((20, 20, 20), np.uint8)
    stripes[:, :, ::2] = 10
    found = values(Variogram().measure(stripes, MetricContext(Grid(stripes.shape), (), content="grey")))
    assert found["grey | 1 voxel"] == pytest.approx(50 / 3)
    assert found["grey | 2 voxels"] == 0
    assert set(found) == {f"grey | {n} voxel{'s' * (n > 1)}" for n in (1, 2, 4, 8, 16)}


def test_a_stack_has_no_pairs_from_image_to_image_and_short_axes_leave_distances_out():
    stack = np.stack([np.full((6, 6), v, np.uint8) for v in (0, 200)])
    found = Variogram().measure(stack, MetricContext(Grid(stack.shape), (), stack=True, content="grey"))
    assert values(found) == {"grey | 1 voxel": 0, "grey | 2 voxels": 0, "grey | 4 voxels": 0}
    (curve,) = [r for r in found if isinstance(r, Curve)]
    assert (curve.x, curve.y) == ((1, 2, 4), (0, 0, 0))


def test_each_colour_is_measured_alone():
    volume = intensities((18, 18, 18), "colour")
    context = MetricContext(volume.grid, (), content="colour")
    together = values(Variogram().measure(volume.array, context))
    for i, name in enumerate(("red", "green", "blue")):
        alone = values(Variogram().measure(volume.array[i], MetricContext(volume.grid, (), content="grey")))
        assert together[f"{name} | 2 voxels"] == alone["grey | 2 voxels"]
