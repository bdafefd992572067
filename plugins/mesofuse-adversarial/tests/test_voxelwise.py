import pytest
import torch
from mesofuse_adversarial.blur_downsample import BlurDownsample
from mesofuse_adversarial.nearest import Nearest
from mesofuse_adversarial.options import BlurDownsampleOptions, NearestOptions, VoxelwiseOptions
from mesofuse_adversarial.voxelwise import Voxelwise

from mesofuse.errors import UserError
from mesofuse.interfaces.loss import GeneratorStep, Share
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region
from mesofuse.volumes.phases import PhaseMatch, default_phases

PROBLEM = Problem((1.0,) * 3, default_phases(2), default_phases(3), PhaseMatch(((0, 2), (1,))))


def one_hot(labels: list[int], count: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(labels), count).T[None, :, None, None].float()


def term(result: list[int] | torch.Tensor, scan: list[int], **options: object) -> torch.Tensor:
    x = result if isinstance(result, torch.Tensor) else one_hot(result, 3)
    region = Region.whole((1, 1, len(scan)))
    step = GeneratorStep(x, one_hot(scan, 2), region, {}, Nearest(NearestOptions(), PROBLEM))
    return Voxelwise(VoxelwiseOptions(**options), PROBLEM).generator_term(step)


def test_counts_wrong_voxels_by_hand() -> None:
    # One of four voxels is wrong in both channels: mean of squares 2/8, times m/2 = 1, times the weight 10.
    assert term([0, 1, 2, 1], [0, 1, 0, 0]).item() == pytest.approx(2.5)
    assert term([0, 1, 2, 1], [0, 1, 0, 0], weight=3).item() == pytest.approx(0.75)


def test_no_penalty_and_no_gradient_within_the_tolerance() -> None:
    x = one_hot([0, 1], 3).requires_grad_(True)
    nearly = x * 0.95
    assert term(nearly, [0, 1], tolerance=0.005).item() == 0  # error 0.05²/2 = 0.00125
    term(nearly, [0, 1], tolerance=0.005).backward()
    assert torch.count_nonzero(x.grad) == 0
    assert term(nearly, [0, 1], tolerance=0.001).item() == pytest.approx(0.0125)


def test_one_sided_ignores_new_material_but_not_missing_material() -> None:
    assert term([1, 1], [0, 1], one_sided=True).item() == 0
    assert term([0, 0], [0, 1], one_sided=True).item() == pytest.approx(5)
    assert term([1, 1], [0, 1]).item() == pytest.approx(5)


def test_the_halo_is_left_out() -> None:
    class Wide(Nearest):
        def __init__(self) -> None:
            super().__init__(NearestOptions(), PROBLEM)
            self.halo = (0, 0, 1)

    x, region = one_hot([1, 0, 0, 1], 3), Region.whole((1, 1, 4))
    step = GeneratorStep(x, one_hot([0, 0, 0, 0], 2), region, {}, Wide())
    assert Voxelwise(VoxelwiseOptions(), PROBLEM).generator_term(step).item() == 0


def test_needs_a_degradation() -> None:
    x, region = one_hot([0], 3), Region.whole((1, 1, 1))
    with pytest.raises(UserError, match="needs a degradation"):
        Voxelwise(VoxelwiseOptions(), PROBLEM).generator_term(GeneratorStep(x, x, region, {}, None))


def test_the_tolerance_is_held_against_the_mean_over_processes() -> None:
    x, region = one_hot([0, 1], 3) * 0.95, Region.whole((1, 1, 2))
    worse = Share(0, 2, lambda error: error + 0.5)
    step = GeneratorStep(x, one_hot([0, 1], 2), region, {}, Nearest(NearestOptions(), PROBLEM), share=worse)
    assert Voxelwise(VoxelwiseOptions(), PROBLEM).generator_term(step).item() == pytest.approx(10 * 0.50125)


def test_the_linear_term_by_hand() -> None:
    # Wrong by a lead of 1 in one of four voxels, beside the squared error's 1/4.
    assert term([0, 1, 2, 1], [0, 1, 0, 0], linear=2).item() == pytest.approx(10 * (0.25 + 2 * 0.25))
    assert term([0, 1, 2], [0, 1, 0], linear=2).item() == 0
    assert term([1, 1], [0, 1], linear=2, one_sided=True).item() == 0


def test_only_the_linear_term_pulls_where_phases_are_exchanged() -> None:
    region = Region.whole((2, 2, 2))
    problem = Problem((2.0,) * 3, default_phases(2), default_phases(3), PhaseMatch(((0, 2), (1,))))
    scan = torch.zeros(1, 2, 2, 2, 2)
    scan[:, 1] = 1
    slopes = []
    for linear in (0.0, 1.0):
        x = torch.full((1, 3, 4, 4, 4), 0.1)
        x[:, 0] = 0.8
        x.requires_grad_(True)
        step = GeneratorStep(x, scan, region, {}, BlurDownsample(BlurDownsampleOptions(), problem))
        Voxelwise(VoxelwiseOptions(linear=linear), problem).generator_term(step).backward()
        slopes.append(float(x.grad[:, 1].abs().max()))
    assert slopes[0] < 1e-12
    assert slopes[1] > 0.01


def test_three_phases_of_the_scan_and_a_degradation_without_shares() -> None:
    class Plain(torch.nn.Module):
        halo = (0, 0, 0)

        def forward(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
            return probabilities

    problem = Problem((1.0,) * 3, default_phases(3), default_phases(3), PhaseMatch(((0,), (1,), (2,))))
    x, region = one_hot([0, 1, 1], 3), Region.whole((1, 1, 3))
    step = GeneratorStep(0.8 * x + 0.2 / 3, one_hot([0, 1, 2], 3), region, {}, Plain())
    without = Voxelwise(VoxelwiseOptions(), problem).generator_term(step)
    found = Voxelwise(VoxelwiseOptions(linear=1), problem).generator_term(step) - without
    assert found.item() == pytest.approx(10 * 0.8 / 3)
