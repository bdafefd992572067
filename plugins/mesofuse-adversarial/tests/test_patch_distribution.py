import numpy as np
import pytest
import torch
from mesofuse_adversarial.options import PatchDistributionOptions
from mesofuse_adversarial.patch_distribution import PatchDistribution

from mesofuse.interfaces.loss import GeneratorStep
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import intensity_problem, make_problem
from mesofuse.volumes.grid import Region


def term(volume, real, problem=None, seed=0, **options):
    region = Region.whole(volume.shape[2:])
    rng = np.random.default_rng(seed)
    step = GeneratorStep(volume, torch.zeros((len(volume), 0, *region.shape)), region, {}, None, real, rng=rng)
    return PatchDistribution(PatchDistributionOptions(**options), problem or intensity_problem("grey")).generator_term(
        step
    )


def smooth(shape, seed, times):
    """Random values whose neighbours are alike over about 1 + 2 · times pixels, of the same spread whatever that is."""
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    for _ in range(times):
        for dim in range(2, len(shape)):
            values = values + values.roll(1, dim) + values.roll(-1, dim)
    return 0.5 + 0.1 * values / values.std()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_same_texture_costs_far_less_than_others_of_the_same_histogram(axis):
    real = smooth((12, 1, 32, 32), 1, 2)
    costs = [term(smooth((1, 1, 32, 32, 32), 2, times), {axis: real}).item() for times in (2, 0, 6)]
    assert costs[0] < 0.35 * min(costs[1:])


def test_another_mean_or_spread_costs():
    real = smooth((12, 1, 32, 32), 1, 2)
    volume = smooth((1, 1, 32, 32, 32), 2, 2)
    base = term(volume, {0: real}).item()
    assert term(volume + 0.1, {0: real}).item() > 3 * base
    assert term(0.5 + 0.4 * (volume - 0.5), {0: real}).item() > 3 * base


def test_coarse_texture_is_seen_at_coarse_scales_alone():
    """Two textures that are alike pixel by pixel, and differ in blocks of 8."""
    fine = torch.rand(8, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    blocks = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(2)).repeat_interleave(8, 2)
    real = fine + 0.4 * blocks.repeat_interleave(8, 3)
    volume = torch.rand(1, 1, 8, 64, 64, generator=torch.Generator().manual_seed(3)) + 0.2
    near, far = (term(volume, {0: real}, scales=(s,), patch=3).item() for s in (1, 8))
    assert far > 5 * near


def test_gradients_lead_towards_the_image():
    real = smooth((8, 1, 24, 24), 1, 2)
    volume = torch.rand(1, 1, 8, 24, 24, generator=torch.Generator().manual_seed(0)).requires_grad_()
    adam = torch.optim.Adam([volume], lr=0.02)
    costs = []
    for seed in range(40):
        cost = term(volume, {0: real}, seed=seed)
        adam.zero_grad()
        cost.backward()
        adam.step()
        costs.append(cost.item())
    assert np.mean(costs[-5:]) < 0.25 * np.mean(costs[:5])


def test_phases_and_colours_are_taken_too():
    torch.manual_seed(0)
    for problem in (make_problem(2, 3, 2), intensity_problem("colour")):
        volume, crops = torch.rand(1, 3, 16, 16, 16), torch.rand(4, 3, 16, 16)
        assert term(volume, dict.fromkeys(range(3), crops), problem).item() > 0


def test_small_planes_have_smaller_patches_and_without_crops_there_is_no_term():
    assert term(torch.rand(1, 1, 3, 3, 3), {0: torch.rand(2, 1, 3, 3)}, scales=(1, 4)).item() > 0
    assert term(torch.rand(1, 1, 3, 3, 3), {0: torch.rand(2, 1, 3, 3)}, scales=(4,)) is None
    assert term(torch.rand(1, 1, 8, 8, 8), {}) is None


def test_it_conforms():
    assert_conforms("loss", "patch-distribution")
