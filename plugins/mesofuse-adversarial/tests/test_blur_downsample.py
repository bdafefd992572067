import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_adversarial.blur_downsample import BlurDownsample
from mesofuse_adversarial.options import BlurDownsampleOptions
from pydantic import ValidationError
from scipy.ndimage import convolve1d, map_coordinates

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Scale
from mesofuse.volumes.phases import PhaseMatch, default_phases


def problem(scale: Scale = (4.0, 4.0, 4.0), shows: tuple[tuple[int, ...], ...] = ((0, 2), (1,))) -> Problem:
    return Problem(scale, default_phases(len(shows)), default_phases(3), PhaseMatch(shows))


def random_phases(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    labels = torch.from_numpy(np.random.default_rng(seed).integers(0, 3, shape))
    return torch.nn.functional.one_hot(labels, 3).permute(3, 0, 1, 2)[None].float()


def by_scipy(fractions: np.ndarray, scale: Scale, sharpness: float) -> np.ndarray:
    """Blur, then sample linearly, each axis in turn and in float64: the definition, written another way."""
    low = []
    for field in fractions.astype(float):
        for axis, s in enumerate(scale):
            k = math.ceil(s) if math.ceil(s) % 2 else math.ceil(s) - 1
            sigma = 0.3 * ((k - 1) / 2 - 1) + 0.8
            kernel = np.exp(-0.5 * ((np.arange(k) - k // 2) / sigma) ** 2)
            field = convolve1d(field, kernel / kernel.sum(), axis=axis, mode="nearest")
        shape = [math.floor(n / s + 1e-6) for n, s in zip(field.shape, scale, strict=True)]
        at = np.meshgrid(*[(np.arange(n) + 0.5) * s - 0.5 for n, s in zip(shape, scale, strict=True)], indexing="ij")
        low.append(map_coordinates(field, at, order=1, mode="nearest"))
    powers = np.exp(sharpness * np.stack(low))
    return powers / powers.sum(0)


@pytest.mark.parametrize("scale", [(4.0, 4.0, 4.0), (1.0, 2.0, 3.0), (8.0, 5.0, 4.0), (2.5, 4.0, 1.25)])
def test_equals_the_definition(scale: Scale) -> None:
    region = Region.whole((4, 4, 4))
    x = random_phases(region.scaled(scale).shape)
    result = BlurDownsample(BlurDownsampleOptions(sharpness=3), problem(scale))(x, region)
    fractions = np.stack([x[0, 0] + x[0, 2], x[0, 1]])
    np.testing.assert_allclose(result[0].numpy(), by_scipy(fractions, scale, 3), atol=2e-6)


def test_weights_at_scale_4_by_hand() -> None:
    # k = 3, sigma = 0.8: blur (b, a, b); the mean of voxels 1 and 2 of four gives (b, a+b, a+b, b) / 2.
    b = math.exp(-0.5 / 0.64) / (1 + 2 * math.exp(-0.5 / 0.64))
    a = 1 - 2 * b
    x = torch.zeros(1, 3, 4, 4, 4)
    x[:, 0] = 1
    x[0, :, 0, 1, 3] = torch.tensor([0.0, 1.0, 0.0])
    share = (b / 2) * ((a + b) / 2) * (b / 2)
    seen = BlurDownsample(BlurDownsampleOptions(sharpness=1), problem())(x, Region.whole((1, 1, 1)))[0, :, 0, 0, 0]
    assert math.log(seen[1] / seen[0]) == pytest.approx(share - (1 - share), abs=1e-6)


def test_sharpness_chooses_the_larger_phase() -> None:
    x = torch.zeros(1, 3, 4, 4, 4)
    x[:, 0, :, :, :1] = x[:, 1, :, :, 1:] = 1
    seen = BlurDownsample(BlurDownsampleOptions(), problem())(x, Region.whole((1, 1, 1)))
    assert seen[0, 1].item() > 0.999


@pytest.mark.parametrize("scale", [(4.0, 4.0, 4.0), (2.5, 3.0, 1.5), (1.0, 6.0, 2.0)])
@pytest.mark.parametrize("sigma", [None, 2.0])
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_a_window_with_the_halo_equals_the_whole(scale: Scale, sigma: float | None, data: st.DataObject) -> None:
    shape = (9, 8, 10)
    blur = BlurDownsample(BlurDownsampleOptions(sigma=sigma, sharpness=5), problem(scale))
    x = random_phases(Region.whole(shape).scaled(scale).shape, 1)
    start = tuple(data.draw(st.integers(0, n - 2)) for n in shape)
    core = Region(start, tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True)))
    window = core.grown(blur.halo, shape)
    part = blur(x[(..., *window.scaled(scale).slices)], window)
    whole = blur(x, Region.whole(shape))
    # The softmax's own last bit depends on the array's shape; what is seen does not.
    torch.testing.assert_close(part[(..., *core.within(window))], whole[(..., *core.slices)], atol=5e-7, rtol=0)
    assert torch.equal(part.argmax(1)[(..., *core.within(window))], whole.argmax(1)[(..., *core.slices)])


def test_the_paper_kernel_needs_no_halo_at_integer_scales() -> None:
    for scale in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 16.0):
        assert BlurDownsample(BlurDownsampleOptions(), problem((scale,) * 3)).halo == (0, 0, 0)
    assert BlurDownsample(BlurDownsampleOptions(sigma=2.0), problem()).halo == (2, 2, 2)


def test_gradient_is_that_of_finite_differences() -> None:
    blur = BlurDownsample(BlurDownsampleOptions(sharpness=2), problem((2.0, 2.0, 1.5)))
    x = torch.rand(1, 3, 4, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: blur(p, Region.whole((2, 2, 2))), x)


def test_bad_options_are_refused() -> None:
    for bad in ({"sigma": 0}, {"sharpness": -1}, {"sharpnes": 1}):
        with pytest.raises(ValidationError):
            BlurDownsampleOptions(**bad)
