import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.testing.problems import blobs
from mesofuse.training.sampling import (
    FieldSampler,
    SliceSampler,
    central,
    inner,
    one_hot,
    slices_of,
    step_rng,
    torch_rng,
    training_window,
)
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

VOLUME = blobs((12, 14, 16), 2)
IMAGE = blobs((3, 40, 50), 3)


def test_draws_depend_on_seed_step_and_stream_alone():
    draws = {key: step_rng(*key).integers(2**60) for key in [(0, 1, 2), (1, 1, 2), (0, 2, 2), (0, 1, 3)]}
    assert len(set(draws.values())) == 4
    assert draws[0, 1, 2] == step_rng(0, 1, 2).integers(2**60)
    first, again = (torch.randn(4, generator=torch_rng(5, 6, 7, "cpu")) for _ in range(2))
    assert torch.equal(first, again)


def test_one_hot_marks_the_label():
    hot = one_hot(torch.tensor([[[0, 2], [1, 1]]], dtype=torch.uint8), 3)
    assert hot.shape == (1, 3, 2, 2)
    assert torch.equal(hot.argmax(1), torch.tensor([[[0, 2], [1, 1]]]))
    assert torch.equal(hot.sum(1), torch.ones(1, 2, 2))


def test_field_crops_come_from_the_volume():
    sampler = FieldSampler(VOLUME, (5, 20, 4))
    crops = sampler.draw(30, step_rng(0, 0, 0))
    assert crops.shape == (30, 5, 14, 4)
    windows = np.lib.stride_tricks.sliding_window_view(VOLUME.array, (5, 14, 4)).reshape(-1, 5 * 14 * 4)
    known = {w.tobytes() for w in windows}
    assert all(c.tobytes() in known for c in crops)
    assert len({c.tobytes() for c in crops}) > 20


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(["rotate", "mirror", "none"]), st.integers(0, 99))
def test_slice_crops_come_from_the_images(symmetry, seed):
    crops = SliceSampler(IMAGE, 8, symmetry).draw(20, step_rng(seed, 0, 0))
    windows = np.lib.stride_tricks.sliding_window_view(IMAGE.array, (1, 8, 8)).reshape(-1, 8, 8)
    known = {w.tobytes() for w in windows}
    for crop in crops:
        turned = {
            "none": [crop],
            "mirror": [crop, crop[::-1], crop[:, ::-1], crop[::-1, ::-1]],
            "rotate": [np.rot90(c, k) for c in (crop, crop[:, ::-1]) for k in range(4)],
        }
        assert any(t.tobytes() in known for t in turned[symmetry])


@pytest.mark.parametrize(("symmetry", "count"), [("rotate", 8), ("mirror", 4), ("none", 1)])
def test_every_symmetry_occurs(symmetry, count):
    image = LabelArray(np.arange(9, dtype=np.uint8).reshape(1, 3, 3), Grid((1, 3, 3)), default_phases(9))
    crops = SliceSampler(image, 3, symmetry).draw(200, step_rng(0, 0, 0))
    assert len({c.tobytes() for c in crops}) == count


def test_an_image_smaller_than_a_crop_is_refused():
    with pytest.raises(UserError, match=r"40 × 50 pixels.*48 × 48"):
        SliceSampler(IMAGE, 48, "rotate")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_are_normal_to_their_axis(axis):
    place = torch.stack(torch.meshgrid(*(torch.arange(6.0) for _ in range(3)), indexing="ij"))[None]
    cut = slices_of(place, axis, None, 6, step_rng(0, 0, 0))
    assert cut.shape == (6, 3, 6, 6)
    for depth, one in enumerate(cut):
        assert (one[axis] == depth).all()
        others = [a for a in range(3) if a != axis]
        assert torch.equal(one[others[0]][:, 0], torch.arange(6.0))
        assert torch.equal(one[others[1]][0], torch.arange(6.0))


def test_some_slices_of_each_volume():
    volumes = torch.arange(2.0).reshape(2, 1, 1, 1, 1).expand(2, 1, 9, 9, 9)
    cut = slices_of(volumes, 1, 4, 5, step_rng(1, 0, 0))
    assert cut.shape == (8, 1, 5, 5)
    assert cut[:, 0, 0, 0].tolist() == [0.0] * 4 + [1.0] * 4


def test_inner_cuts_every_side():
    assert inner(torch.zeros(1, 2, 9, 10, 11), (2, 2, 2)).shape == (1, 2, 5, 6, 7)
    assert inner(torch.zeros(1, 2, 1, 9, 9), (0, 2, 0)).shape == (1, 2, 1, 5, 9)


def test_the_central_part():
    whole = Region((0, 0, 0), (12, 9, 8))
    assert central(whole, (8, 8, 8)) == Region((2, 0, 0), (10, 8, 8))
    assert central(whole, (20, 9, 2)) == Region((0, 0, 3), (12, 9, 5))


MARGIN = (4, 4, 4)


def test_the_window_is_what_the_critics_need():
    low = blobs((40, 40, 40), 2)
    assert training_window(low, (4.0, 4.0, 2.0), None, 32, MARGIN) == (10, 10, 20)
    assert training_window(low, (4.0,) * 3, None, 56, MARGIN) == (16, 16, 16)
    assert training_window(low, (4.0,) * 3, 12, 32, MARGIN) == (12, 12, 12)
    assert training_window(None, (1.0, 4.0, 4.0), None, 32, MARGIN, (0,)) == (1, 10, 10)
    with pytest.raises(UserError, match=r"batch\.window is 9"):
        training_window(low, (4.0,) * 3, 9, 32, MARGIN)
    with pytest.raises(UserError, match=r"shape \(6, 40, 40\)"):
        training_window(blobs((6, 40, 40), 2), (4.0,) * 3, None, 32, MARGIN)
