import torch
from minimal_plugin.options import ThickSlicesOptions
from minimal_plugin.thick_slices import ThickSlices

from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region


def test_conforms_to_the_kit():
    assert_conforms("degradation", "thick-slices")


def test_a_slice_shows_its_neighbours_by_the_overlap():
    degradation = ThickSlices(ThickSlicesOptions(overlap=0.25, sharpness=1.0), make_problem(2, 2, 2))
    volume = torch.zeros((1, 2, 6, 2, 2))
    volume[:, 0] = 1
    volume[:, :, 2:4] = volume[:, :, 2:4].flip(1)  # the middle one of three scan slices is of phase 1
    seen = degradation(volume, Region((0, 0, 0), (3, 1, 1))).log()[0, :, :, 0, 0]
    share = (seen[1] - seen[0] + 1) / 2  # the logit is the difference of the shares
    torch.testing.assert_close(share, torch.tensor([0.25, 0.5, 0.25]))
