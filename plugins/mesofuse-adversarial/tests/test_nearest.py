import pytest
import torch
from mesofuse_adversarial.nearest import Nearest
from mesofuse_adversarial.options import NearestOptions

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Scale
from mesofuse.volumes.phases import PhaseMatch, default_phases


def nearest(scale: Scale, shows: tuple[tuple[int, ...], ...]) -> Nearest:
    return Nearest(NearestOptions(), Problem(scale, default_phases(len(shows)), default_phases(3), PhaseMatch(shows)))


def test_takes_the_voxel_at_the_centre() -> None:
    labels = torch.tensor([0, 0, 1, 0, 2, 2, 0, 2])
    x = torch.nn.functional.one_hot(labels, 3).T[None, :, None, None].float()
    seen = nearest((1.0, 1.0, 4.0), ((0,), (1,), (2,)))(x, Region.whole((1, 1, 2)))
    assert seen[0].argmax(0).flatten().tolist() == [1, 0]
    assert set(seen.unique().tolist()) == {0.0, 1.0}


def test_sums_the_phases_that_a_low_phase_shows() -> None:
    x = torch.tensor([0.2, 0.5, 0.3]).reshape(1, 3, 1, 1, 1)
    seen = nearest((1.0, 1.0, 1.0), ((0, 2), (1,)))(x, Region.whole((1, 1, 1)))
    assert seen.flatten().tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("scale", [(2.0, 3.0, 1.0), (2.5, 1.7, 1.1)])
def test_a_window_with_the_halo_equals_the_whole(scale: Scale) -> None:
    shape, degrade = (6, 5, 7), nearest(scale, ((0, 2), (1,)))
    x = torch.rand(1, 3, *Region.whole(shape).scaled(scale).shape, generator=torch.Generator().manual_seed(0))
    whole = degrade(x, Region.whole(shape))
    for core in Region.whole(shape).blocks((4, 2, 3)):
        window = core.grown(degrade.halo, shape)
        part = degrade(x[(..., *window.scaled(scale).slices)], window)
        assert torch.equal(part[(..., *core.within(window))], whole[(..., *core.slices)])
