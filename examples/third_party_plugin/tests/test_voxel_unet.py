import pytest
import torch
from voxel_unet import entry
from voxel_unet.lsgan import LSGAN
from voxel_unet.settings import LSGANSettings, UNetSettings
from voxel_unet.unet import UNet3d, reach

from mesofuse.errors import UserError
from mesofuse.interfaces.loss import CriticStep
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region


@pytest.mark.parametrize("part", entry.mesofuse_components(), ids=lambda part: part.name)
def test_conforms(part):
    assert_conforms(part.kind, part.name)


def build(depth):
    torch.manual_seed(0)
    return UNet3d(UNetSettings(depth=depth, width=2, head=2), make_problem(2, 2, 2)).double().eval()


def run(net, x, noise, window):
    cut = [n[(..., *window.scaled(s.factor).slices)] for n, s in zip(noise, net.noise, strict=True)]
    with torch.no_grad():
        return net(x[(..., *window.slices)], cut, window)


def inputs(net, shape):
    whole = Region.whole(shape)
    x = torch.rand((1, 2, *shape), dtype=torch.float64)
    noise = [torch.randn((1, s.channels, *whole.scaled(s.factor).shape), dtype=torch.float64) for s in net.noise]
    return x, noise, whole


@pytest.mark.parametrize("depth", [1, 2])
def test_the_halo_is_what_is_reached_from_some_place_of_a_cell(depth):
    """Along z, over every place in a cell; a voxel further away is never felt."""
    net = build(depth)
    h = reach(depth)
    x, noise, whole = inputs(net, (3 * h + 5, 1, 1))
    before = run(net, x, noise, whole)
    felt = 0
    for centre in range(h, h + 2**depth):
        other = x.clone()
        other[:, :, centre] += 10
        changed = (run(net, other, noise, whole) != before).flatten(0, 1).any(0)[:, 0, 0].nonzero()[:, 0] // 2
        felt = max(felt, int((changed - centre).abs().max()))
    assert felt == h


@pytest.mark.parametrize("depth", [1, 2])
def test_any_window_gives_that_part_of_the_whole(depth):
    """Along x, for every place where a tile can begin, of a volume that ends within a cell."""
    net = build(depth)
    h = reach(depth)
    x, noise, whole = inputs(net, (2, 1, 2 * h + 7))
    expected = run(net, x, noise, whole)
    for start in range(whole.stop[2] - 2):
        core = Region((0, 0, start), (2, 1, start + 3 if start + 3 < whole.stop[2] else whole.stop[2]))
        window = core.grown(net.halo, whole.stop)
        part = run(net, x, noise, window)[(..., *core.scaled(net.scale).within(window.scaled(net.scale)))]
        torch.testing.assert_close(part, expected[(..., *core.scaled(net.scale).slices)], rtol=0, atol=1e-9)


def test_it_says_which_scales_it_takes():
    with pytest.raises(UserError, match="whole scale factors"):
        UNet3d(UNetSettings(), make_problem(2, 2, 1.5))


def test_least_squares_by_hand():
    class Mean(torch.nn.Module):
        crop = 2

        def forward(self, slices):
            return slices.mean((1, 2, 3))

    loss = LSGAN(LSGANSettings(target=1.0), make_problem(2, 2, 2))
    real, fake = torch.full((2, 1, 2, 2), 0.5), torch.full((2, 1, 2, 2), -3.0)
    step = CriticStep(Mean(), real, fake, 0, torch.Generator())
    assert float(loss.critic_term(step)) == 0.25 + 9
