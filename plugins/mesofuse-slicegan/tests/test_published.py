import numpy as np
import pytest
import torch
from mesofuse_slicegan.generator import ResizeGenerator, TransposedGenerator
from mesofuse_slicegan.options import GeneratorOptions
from mesofuse_slicegan.published import imported

from mesofuse.errors import UserError
from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region

WIDTHS = (5, 12, 10, 8, 6, 3)
PROBLEM = make_problem(0, 3, 1)


def tensors(module):
    return {k: v.numpy() for k, v in module.state_dict().items()}


def ours(kind, found):
    options = {k: v for k, v in found.options["generator"].items() if k != "name"}
    generator = kind(GeneratorOptions.model_validate(options), PROBLEM)
    generator.load_state_dict({k: torch.as_tensor(v) for k, v in found.state.items()})
    return generator.eval()


def run(generator, noise):
    region = Region.whole(noise.shape[2:])
    with torch.no_grad():
        return generator(torch.zeros(1, 0, *region.shape), [noise], region)


def test_the_transposed_generator_makes_the_published_voxels(published):
    theirs, noise = published(WIDTHS), torch.randn(1, 5, 4, 4, 5)
    found = imported(tensors(theirs), PROBLEM)
    assert found.options == {"generator": {"name": "slicegan", "latent": 5, "widths": [12, 10, 8, 6]}}
    with torch.no_grad():
        expected = theirs(noise)
    assert expected.std() > 0.05
    torch.testing.assert_close(run(ours(TransposedGenerator, found), noise), expected, atol=1e-5, rtol=0)


def test_other_paddings_cut_other_borders_of_the_same_volume(published):
    theirs, noise = published(WIDTHS, paddings=[3, 2, 2, 2, 2]), torch.randn(1, 5, 4, 4, 4)
    made = run(ours(TransposedGenerator, imported(tensors(theirs), PROBLEM)), noise)
    with torch.no_grad():
        fewer = theirs(noise)
    margin = (64 - fewer.shape[2]) // 2
    inner = made[(..., *[slice(margin, 64 - margin)] * 3)]
    torch.testing.assert_close(inner, fewer, atol=1e-5, rtol=0)


def test_the_resize_generator_makes_the_published_voxels_at_a_factor_of_two(published):
    theirs, noise = published(WIDTHS, resize=True), torch.randn(1, 5, 4, 4, 4)
    found = imported(tensors(theirs), PROBLEM)
    assert found.options["generator"]["name"] == "slicegan-resize"
    made = run(ours(ResizeGenerator, found), noise)
    with torch.no_grad():
        torch.testing.assert_close(made, theirs.resized(noise), atol=1e-5, rtol=0)
        stretched = theirs.resized(noise, size="published")
    assert made.shape == stretched.shape == (1, 3, 64, 64, 64)
    # The published factor, 66/34 here, moves a voxel by its distance from the centre: there both are one volume.
    middle = (..., *[slice(31, 33)] * 3)
    assert (made[middle] - stretched[middle]).abs().max() < 0.05
    assert (made - stretched).abs().max() > 0.05


def changed(found, **changes):
    return {k: v for k, v in {**found, **changes}.items() if v is not None}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"bns.1.running_var": None}, "no tensor 'bns.1.running_var'"),
        ({"convs.0.weight": None}, "no tensor 'convs.0.weight'"),
        ({"fc.weight": np.zeros((2, 2))}, "1 tensors that a generator of SliceGAN does not have, such as 'fc.weight'"),
        ({"convs.1.weight": np.zeros((11, 10, 4, 4, 4))}, "do not fit the next"),
        ({"convs.1.weight": np.zeros((12, 10, 3, 3, 3))}, "4 voxels wide"),
        ({"convs.1.weight": np.zeros((12, 10, 4, 4))}, "has 4 axes"),
    ],
)
def test_what_is_no_such_generator_is_refused(changes, text, published):
    with pytest.raises(UserError, match=text):
        imported(changed(tensors(published(WIDTHS)), **changes), PROBLEM)


@pytest.mark.parametrize(("problem", "text"), [((0, 2, 1), "make 3 phases, but 2"), ((2, 3, 4), "takes no scan")])
def test_another_problem_is_refused(problem, text, published):
    with pytest.raises(UserError, match=text):
        imported(tensors(published(WIDTHS)), make_problem(*problem))
