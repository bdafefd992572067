import numpy as np
import pytest
from mesofuse_statistical.annealing_degradation import WHOLE, own_weights

from mesofuse.interfaces.degradation import agrees, degraded
from mesofuse.testing.problems import make_problem
from mesofuse.training.parts import build_degradation
from mesofuse.training.recipe import Part
from mesofuse.volumes.grid import Region


def weights(name, scale, phases=3, **options):
    problem = make_problem(2, phases, scale)
    degradation = build_degradation(Part(name=name, **options), problem)
    return own_weights(degradation, problem), degradation, problem


@pytest.mark.parametrize("scale", [4, (2, 4, 3), (1, 6, 6)])
def test_blurred_voxels_count_as_the_degradation_weights_them(scale):
    """A volume shows what the weighted counts say."""
    found, degradation, problem = weights("blur-downsample", scale)
    assert found is not None
    assert [w.sum() / WHOLE for w in found] == pytest.approx([1, 1, 1], abs=1e-3)
    region = Region.whole((3, 3, 3))
    labels = np.random.default_rng(0).integers(0, 3, region.scaled(problem.scale).shape).astype(np.uint8)
    shown = degraded(degradation, labels, 3, region)
    weight = np.einsum("i,j,k->ijk", *[np.tile(w, 3) for w in found]).astype(np.float64)
    edges = [len(w) for w in found]

    def summed(values):
        blocks = (weight * values).reshape(3, edges[0], 3, edges[1], 3, edges[2])
        return blocks.sum((1, 3, 5))

    counted = np.stack([summed(np.isin(labels, values)) for values in problem.match.shows])
    for low in (0, 1):
        scan = np.full((3, 3, 3), low, np.uint8)
        assert np.array_equal(agrees(shown, scan), agrees(counted / WHOLE**3, scan, 1e-5))


def test_the_phase_at_the_centre_counts_alone_where_a_scan_is_undersampled():
    found, _, _ = weights("nearest", 4)
    assert [w.tolist() for w in found] == [[0, 0, WHOLE, 0]] * 3


@pytest.mark.parametrize(
    ("name", "scale", "options"),
    [
        ("blur-downsample", 2.5, {}),  # voxels are shared
        ("blur-downsample", 4, {"sigma": 3.0}),  # it sees neighbours
    ],
)
def test_what_is_no_weighted_mean_of_own_voxels_has_no_weights(name, scale, options):
    assert weights(name, scale, **options)[0] is None


def test_what_is_not_linear_has_no_weights():
    _, degradation, problem = weights("blur-downsample", 4)

    class Squared(type(degradation)):
        def shares(self, probabilities, region):
            return super().shares(probabilities, region) ** 2

    squared = Squared.__new__(Squared)
    squared.__dict__.update(degradation.__dict__)
    assert own_weights(squared, problem) is None
