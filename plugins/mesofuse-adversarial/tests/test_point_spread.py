import math

import numpy as np
import pytest
import torch
from mesofuse_adversarial.area_average import AreaAverage
from mesofuse_adversarial.options import AreaAverageOptions, PointSpreadOptions
from mesofuse_adversarial.point_spread import PointSpread
from pydantic import ValidationError
from scipy.integrate import quad

from mesofuse.errors import UserError
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Scale
from mesofuse.volumes.phases import PhaseMatch, default_phases


def problem(scale: Scale) -> Problem:
    return Problem(scale, default_phases(2), default_phases(2), PhaseMatch(((0,), (1,))))


def instrument(scale: Scale, **options: object) -> PointSpread:
    return PointSpread(PointSpreadOptions(**options), problem(scale))


def noise(shape: tuple[int, ...]) -> torch.Tensor:
    share = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    return torch.stack([1 - share, share])[None]


@pytest.mark.parametrize("scale", [(4.0, 3.0, 2.0), (1.0, 5.33, 1.6)])
def test_without_blur_it_is_the_area_average(scale: Scale) -> None:
    region = Region((2, 1, 0), (4, 4, 5))
    x = noise(region.scaled(scale).shape)
    expected = AreaAverage(AreaAverageOptions(), problem(scale)).shares(x, region)
    spread = instrument(scale, sigma=0)
    inner = tuple(slice(h, n - h) for h, n in zip(spread.halo, region.shape, strict=True))
    seen = spread.shares(x, region)
    torch.testing.assert_close(seen[(..., *inner)], expected[(..., *inner)], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("scale", "sigma", "thickness"), [(4.0, 1.3, 1.0), (5.33, 2.0, 0.5), (3.0, 0.7, 2.2)])
def test_the_weights_are_the_integral_of_the_box_convolved_with_the_gaussian(
    scale: float, sigma: float, thickness: float
) -> None:
    spread = instrument((1.0, 1.0, scale), sigma=(0, 0, sigma), thickness=(1, 1, thickness))
    box = thickness * scale

    def density(u: float) -> float:
        rise = [0.5 * math.erfc(-(u + side * box / 2) / (sigma * math.sqrt(2))) for side in (1, -1)]
        return (rise[0] - rise[1]) / box

    taps = spread.taps(2, 7, 9)
    reach = box / 2 + 3 * sigma
    for row, (index, weight) in enumerate(zip(taps.index, taps.weight, strict=True)):
        centre = (7 + row + 0.5) * scale
        edges = [(max(j - centre, -reach), min(j + 1 - centre, reach)) for j in index]
        expected = np.array([quad(density, a, b)[0] if a < b else 0.0 for a, b in edges])
        np.testing.assert_allclose(weight, expected / expected.sum(), atol=1e-9)
        assert (weight @ (index + 0.5)) == pytest.approx(centre, abs=1e-3)


def test_a_thick_slice_reaches_into_its_neighbours_and_a_thin_one_does_not_fill_its_own() -> None:
    thick = instrument((4.0, 1.0, 1.0), sigma=0, thickness=(1.5, 1, 1))
    assert thick.halo == (1, 0, 0)
    assert thick.taps(0, 2, 3).index[0].tolist() == list(range(7, 13))
    thin = instrument((4.0, 1.0, 1.0), sigma=0, thickness=(0.5, 1, 1))
    assert thin.halo == (0, 0, 0)
    assert thin.taps(0, 2, 3).index[0].tolist() == [9, 10]


def test_each_axis_has_its_own_blur() -> None:
    x = torch.zeros(1, 2, 9, 9, 9)
    x[:, 0], x[0, 0, 4, 4, 4], x[0, 1, 4, 4, 4] = 1, 0, 1
    seen = instrument((1.0, 1.0, 1.0), sigma=(0, 1, 2)).shares(x, Region.whole((9, 9, 9)))[0, 1]
    assert seen[3, 4, 4] == 0
    assert 0 < seen[4, 3, 4] < seen[4, 4, 3]


def test_by_default_the_half_maximum_is_a_voxel_wide_and_planes_stay_planes() -> None:
    spread = instrument((1.0, 4.0, 8.0))
    narrow, wide = (spread.taps(axis, 0, 1) for axis in (1, 2))
    assert spread.taps(0, 3, 4).index.tolist() == [[3]]
    for taps, scale in ((narrow, 4.0), (wide, 8.0)):
        variance = float(taps.weight[0] @ (taps.index[0] + 0.5 - scale / 2) ** 2)
        # Box of one voxel and Gaussian, cut at 3 sigma.
        assert variance == pytest.approx(scale**2 / 12 + (scale / 2.3548) ** 2, rel=0.06)


@pytest.mark.parametrize("bad", [{"sigma": -1}, {"sigma": (1, 2)}, {"sigma": "guess"}, {"thickness": 0}, {"sigmas": 1}])
def test_bad_options_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PointSpreadOptions(**bad)


def test_an_unresolved_estimate_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match="give numbers here"):
        instrument((2.0, 2.0, 2.0), sigma="estimate")
