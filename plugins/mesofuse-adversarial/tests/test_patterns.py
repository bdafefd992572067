import numpy as np
import pytest
import torch
from mesofuse_adversarial.options import PatternsOptions
from mesofuse_adversarial.patterns import Patterns, _floored

from mesofuse.errors import UserError
from mesofuse.interfaces.loss import GeneratorStep, LossSetting, Share
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.patterns import Stencil, js_divergence, pattern_counts, shares, turned_counts
from mesofuse.volumes.phases import default_phases

ALL_TURNS = tuple(range(8))
ONE = {"spacings": (1,), "weight": 1.0, "positions": 10**9}


def hot(labels: np.ndarray, phases: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.as_tensor(labels.astype(np.int64)), phases).movedim(-1, 1).float()


def step(volume: torch.Tensor, number: int = 0, fraction: float = 0.0) -> GeneratorStep:
    region = Region.whole(tuple(volume.shape[2:]))
    rng = np.random.default_rng(number)
    return GeneratorStep(volume, volume, region, {}, None, {}, Share(), number, fraction, rng)


def prepared(image: LabelArray, turns=(0,), axes=(0, 1, 2), **options) -> Patterns:
    loss = Patterns(PatternsOptions(**ONE | options), make_problem(2, len(image.phases), 2))
    loss.prepare(LossSetting(dict.fromkeys(axes, image), dict.fromkeys(axes, turns)))
    return loss


@pytest.mark.parametrize("phases", [2, 3, 4, 5])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("spacing", [1, 2])
def test_of_labels_it_is_the_divergence_of_the_exact_histograms(phases: int, axis: int, spacing: int) -> None:
    image, volume = blobs((2, 20, 20), phases, seed=1), blobs((9, 10, 11), phases, seed=2)
    loss = prepared(image, ALL_TURNS, (axis,), spacings=(spacing,))
    found = loss.generator_term(step(hot(volume.array[None], phases)))
    stencil = Stencil.of(phases)
    made = pattern_counts(np.moveaxis(volume.array, axis, 0), stencil, spacing)
    known = turned_counts(image.array, stencil, spacing, ALL_TURNS)
    # Probabilities of 0 count as 1e-4.
    assert found.item() == pytest.approx(js_divergence(shares(made), shares(known)), rel=0.02, abs=2e-3)


def test_the_expected_histogram_is_that_of_labels_drawn_from_the_probabilities() -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((3, 6, 7, 8)).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum(0)
    stencil = Stencil.of(3)
    drawn = np.zeros(stencil.bins)
    for _ in range(600):
        labels = (rng.random((1, 6, 7, 8)) > np.cumsum(p, 0)[:-1]).sum(0).astype(np.uint8)
        drawn += pattern_counts(labels, stencil, 1)
    loss = prepared(blobs((1, 20, 20), 3))
    volume = torch.as_tensor(p)[None]
    made = loss._histogram(_floored(volume), loss._places(step(volume), 0, 1)).numpy()
    assert made.sum() == pytest.approx(1, abs=2e-3)
    # Four of the nine pixels: so few patterns that 600 drawings settle their shares.
    seen, expected = (h.reshape(81, -1).sum(1) for h in (drawn / drawn.sum(), made))
    assert expected == pytest.approx(seen, rel=0.15, abs=5e-4)


def test_the_gradient_is_that_of_the_divergence() -> None:
    torch.manual_seed(0)
    loss = prepared(blobs((1, 16, 16), 3, seed=3))
    volume = torch.randn(1, 3, 4, 5, 6).double().softmax(1).requires_grad_()
    loss.generator_term(step(volume)).backward()
    shift = torch.zeros_like(volume)
    shift[0, 0, 2, 2, 2], shift[0, 1, 2, 2, 2] = 1e-2, -1e-2
    ends = [prepared(blobs((1, 16, 16), 3, seed=3)).generator_term(step(v)).item()
            for v in (volume.detach() + shift, volume.detach() - shift)]  # fmt: skip
    assert (volume.grad * shift).sum().item() == pytest.approx((ends[0] - ends[1]) / 2, rel=0.02)
    assert volume.grad.is_contiguous()


def test_directions_take_turns_and_each_spacing_has_its_own() -> None:
    """Layers normal to z look like the image's in planes normal to y and x, not in those normal to z."""
    labels = np.tile((np.arange(12) // 2 % 2).astype(np.uint8)[:, None], (1, 12))[None]
    image = LabelArray(labels, Grid((1, 12, 12)), default_phases(2))
    volume = hot(np.broadcast_to(labels[0][:, :, None], (12, 12, 12))[None], 2)
    loss = prepared(image, memory=1.0)
    found = [loss.generator_term(step(volume, number)).item() for number in range(6)]
    assert found[1] < 0.02
    assert found[2] < 0.02
    assert found[0] > 0.3
    assert found[3:] == pytest.approx(found[:3])


def test_a_step_seen_twice_gives_the_same_and_the_mean_remembers() -> None:
    volumes = [hot(blobs((8, 8, 8), 3, seed=s).array[None], 3) for s in range(4)]
    loss = prepared(blobs((1, 16, 16), 3), axes=(0,))
    first = [loss.generator_term(step(v, i)).item() for i, v in enumerate(volumes)]
    again = loss.generator_term(step(volumes[3], 3)).item()
    assert again == first[3]
    # The mean over several volumes is closer to the image than each alone.
    alone = prepared(blobs((1, 16, 16), 3), axes=(0,)).generator_term(step(volumes[3])).item()
    assert first[3] < alone


def test_state_is_restored() -> None:
    volumes = [hot(blobs((8, 8, 8), 3, seed=s).array[None], 3) for s in range(5)]
    whole, cut = prepared(blobs((1, 16, 16), 3)), prepared(blobs((1, 16, 16), 3))
    for i, volume in enumerate(volumes[:4]):
        whole.generator_term(step(volume, i))
    cut.load_state(whole.state())
    assert whole.state()
    one, two = (loss.generator_term(step(volumes[4], 4)).item() for loss in (whole, cut))
    assert one == two


def test_fewer_positions_see_about_the_same() -> None:
    volume = hot(blobs((24, 24, 24), 2, seed=4).array[None], 2)
    image = blobs((1, 40, 40), 2, seed=5)
    few, many = (prepared(image, axes=(0,), positions=n).generator_term(step(volume)).item() for n in (2000, 10**9))
    assert few == pytest.approx(many, rel=0.4)
    assert few != many


def test_images_too_small_and_too_many_phases_are_refused() -> None:
    with pytest.raises(UserError, match="16 × 16 pixels, but patterns at a spacing of 8 reach over 17"):
        prepared(blobs((1, 16, 16), 3), spacings=(1, 8))
    with pytest.raises(UserError, match="at most 27 phases"):
        Patterns(PatternsOptions(), make_problem(2, 28, 2))


def test_it_conforms() -> None:
    assert_conforms("loss", "patterns")
