import pytest
import torch
from mesofuse_adversarial.options import TwoPointOptions
from mesofuse_adversarial.two_point import TwoPoint, axes_of, diagonals_of, pair_probabilities, sharpened

from mesofuse.interfaces.loss import GeneratorStep, Share
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region

PROBLEM = make_problem(2, 2, 1)


def hot(labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(labels, 2).movedim(-1, 1).float()


def stripes(size: int, dims: int, axis: int) -> torch.Tensor:
    """Layers one voxel thick, normal to ``axis``, as a batch of one."""
    place = torch.arange(size) % 2
    shape = [1] * dims
    shape[axis] = size
    return hot(place.reshape(shape).expand([size] * dims)[None])


def test_pairs_of_layers_by_hand() -> None:
    layers = stripes(8, 3, 0)
    torch.testing.assert_close(pair_probabilities(layers, (0, 0, 0)), torch.tensor([[0.5, 0], [0, 0.5]]))
    torch.testing.assert_close(pair_probabilities(layers, (1, 0, 0)), torch.tensor([[0, 0.5], [0.5, 0]]))
    torch.testing.assert_close(pair_probabilities(layers, (0, 1, 0)), torch.tensor([[0.5, 0], [0, 0.5]]))
    assert pair_probabilities(torch.full((1, 2, 4, 4, 4), 0.5), (0, 0, 0)).tolist() == [[0.25, 0.25], [0.25, 0.25]]


def term(volume: torch.Tensor, real: dict[int, torch.Tensor], **options: object) -> torch.Tensor | None:
    region = Region.whole(tuple(volume.shape[2:]))
    step = GeneratorStep(volume, volume, region, {}, None, real)
    return TwoPoint(TwoPointOptions(**options), PROBLEM).generator_term(step)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_layers_match_their_own_sections_and_no_others(axis: int) -> None:
    volume = stripes(8, 3, axis)
    # A section normal to the layers' own axis shows one phase only, so all are needed to see the fractions.
    own = {a: torch.cat([volume.select(2 + a, i) for i in range(8)]) for a in range(3)}
    assert term(volume, own).item() == pytest.approx(0, abs=1e-9)
    assert term(stripes(8, 3, (axis + 1) % 3), own).item() > 30


def test_the_error_is_relative_to_the_image() -> None:
    volume = torch.zeros(1, 2, 4, 4, 4)
    volume[:, 0] = 1
    real = {a: hot(torch.tensor([0, 0, 0, 1]).reshape(1, 1, 4).expand(1, 4, 4)) for a in range(3)}
    # At lag 0: P_00 is 1 for 3/4, P_11 is 0 for 1/4, P_01 is right; errors 1/3 and 1, mean over four entries.
    expected = ((1 + 1 / 9) ** 0.5 - 1 + 2**0.5 - 1) / 4
    assert term(volume, real, weight=3, lags=(0,)).item() == pytest.approx(3 * expected)


def test_soft_probabilities_are_not_taken_for_speckle() -> None:
    real = {a: hot(torch.randint(2, (4, 16, 16), generator=torch.Generator().manual_seed(0))) for a in range(3)}
    soft = torch.full((1, 2, 8, 8, 8), 0.5, requires_grad=True)
    value = term(soft, real, lags=(0,))
    assert value.item() > 10
    value.backward()
    assert torch.isfinite(soft.grad).all()


def test_sharpening_brings_probabilities_closer_to_labels() -> None:
    p = torch.tensor([0.6, 0.4]).reshape(1, 2, 1, 1, 1)
    assert sharpened(p, 1) is p
    assert sharpened(p, 2).flatten().tolist() == pytest.approx([0.36 / 0.52, 0.16 / 0.52])
    layers = stripes(4, 3, 0)
    torch.testing.assert_close(sharpened(layers, 4), layers)


def test_slanted_layers_are_told_from_their_mirror_image_by_the_diagonals_alone() -> None:
    z, y, x = torch.meshgrid(*(torch.arange(8) for _ in range(3)), indexing="ij")
    # Both alternate in pairs along every axis; only along diagonals do they differ.
    layers = hot(((z + y + x) % 4 // 2)[None])
    mirrored = hot(((z - y + x) % 4 // 2)[None])
    own = {a: torch.cat([layers.select(2 + a, i) for i in range(8)]) for a in range(3)}
    lags = (2,)
    assert term(layers, own, lags=lags, diagonals=True).item() == pytest.approx(0, abs=1e-9)
    assert term(mirrored, own, lags=lags).item() == pytest.approx(0, abs=1e-9)
    assert term(mirrored, own, lags=(1,), diagonals=True).item() > 10
    pairs = pair_probabilities(layers, (0, 1, -1))
    torch.testing.assert_close(pairs, torch.tensor([[0.5, 0], [0, 0.5]]))
    torch.testing.assert_close(pair_probabilities(layers, (0, -1, 1)), pairs)


def test_directions() -> None:
    assert axes_of((0, 1, 2)) == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert axes_of((0,)) == [(0, 1, 0), (0, 0, 1)]
    assert diagonals_of((0,)) == [(0, 1, 1), (0, 1, -1)]
    assert len(set(diagonals_of((0, 1, 2)))) == 6


def test_no_image_no_term() -> None:
    assert term(stripes(4, 3, 0), {}) is None


def test_conforms() -> None:
    assert_conforms("loss", "two-point")


def test_probabilities_are_averaged_over_processes_before_they_are_compared() -> None:
    """A process with one phase alone is no error where another one has the other phase."""
    pore, real = hot(torch.zeros(1, 4, 4, 4, dtype=torch.long)), {0: stripes(4, 2, 0)}
    wanted = torch.tensor([[0.5, 0], [0, 0.5]])
    share = Share(0, 2, lambda p: wanted.expand(p.shape))
    step = GeneratorStep(pore, pore, Region.whole((4, 4, 4)), {}, None, real, share)
    assert TwoPoint(TwoPointOptions(lags=(0,)), PROBLEM).generator_term(step).item() == 0
    assert term(pore, real, lags=(0,)).item() > 10
