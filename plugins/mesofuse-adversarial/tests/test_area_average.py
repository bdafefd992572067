import math

import pytest
import torch
from mesofuse_adversarial.area_average import AreaAverage
from mesofuse_adversarial.options import AreaAverageOptions

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Scale
from mesofuse.volumes.phases import PhaseMatch, default_phases


def average(scale: Scale) -> AreaAverage:
    phases = default_phases(2)
    return AreaAverage(AreaAverageOptions(sharpness=1), Problem(scale, phases, phases, PhaseMatch(((0,), (1,)))))


def line(values: list[float]) -> torch.Tensor:
    share = torch.tensor(values)
    return torch.stack([1 - share, share])[None, :, None, None]


def shares(seen: torch.Tensor) -> list[float]:
    """Undo the softmax of two phases."""
    return [(math.log(b / a) + 1) / 2 for a, b in zip(*seen[0, :, 0, 0].tolist(), strict=True)]


def test_integer_scale_is_the_mean_of_the_block() -> None:
    seen = average((1.0, 1.0, 4.0))(line([1, 0, 0, 0, 1, 1, 1, 0]), Region.whole((1, 1, 2)))
    assert shares(seen) == pytest.approx([0.25, 0.75], abs=1e-6)


def test_non_integer_scale_shares_the_cut_voxel() -> None:
    # Low voxel 0 covers voxels 0, 1 and half of 2; low voxel 1 the other half of 2, and 3, 4.
    seen = average((1.0, 1.0, 2.5))(line([0, 0, 1, 0, 1]), Region.whole((1, 1, 2)))
    assert shares(seen) == pytest.approx([0.2, 0.6], abs=1e-6)


@pytest.mark.parametrize("scale", [(1.0, 1.0, 3.0), (1.0, 1.0, 2.5), (1.0, 1.0, 1.3)])
def test_a_window_with_the_halo_equals_the_whole(scale: Scale) -> None:
    degrade, shape = average(scale), (1, 1, 12)
    x = line(
        torch.rand(Region.whole(shape).scaled(scale).shape[2], generator=torch.Generator().manual_seed(1)).tolist()
    )
    whole = degrade(x, Region.whole(shape))
    for core in Region.whole(shape).blocks((1, 1, 5)):
        window = core.grown(degrade.halo, shape)
        part = degrade(x[(..., *window.scaled(scale).slices)], window)
        torch.testing.assert_close(part[(..., *core.within(window))], whole[(..., *core.slices)], atol=5e-7, rtol=0)
