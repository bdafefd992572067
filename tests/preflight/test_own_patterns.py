"""Whether an image is large enough for its texture."""

import numpy as np
import pytest

from mesofuse.interfaces.method import FusionInputs
from mesofuse.preflight.own_patterns import LARGEST_DISTANCE, check_patterns
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.patterns import Stencil, js_divergence, shares, turned_counts
from mesofuse.volumes.phases import default_phases


def inputs(*images):
    images = images * 3 if len(images) == 1 else images
    return FusionInputs(None, images, make_problem(2, len(images[0].phases), 1))


def test_of_a_stack_the_halves_are_every_other_image():
    image = blobs((6, 120, 120), 3, seed=1)
    found = check_patterns(inputs(image)).numbers["zyx"]["2"]
    counts = [shares(turned_counts(image.array[i::2], Stencil.of(3), 2, range(8))) for i in (0, 1)]
    assert found == pytest.approx(js_divergence(*counts))


def test_a_large_image_is_fine_and_a_small_one_is_called_small():
    whole = blobs((1, 800, 800), 2, seed=1)
    part = LabelArray(whole.array[:, :60, :60], Grid((1, 60, 60)), whole.phases)
    large, small = check_patterns(inputs(whole)), check_patterns(inputs(part))
    assert large.status == "ok"
    assert large.numbers["zyx"]["1"] < LARGEST_DISTANCE < small.numbers["zyx"]["1"]
    assert small.status == "warning"
    assert "times the area" in small.sentence
    assert "13 neighbouring pixels" in small.sentence


def test_of_several_images_the_worst_is_named():
    even = blobs((1, 500, 500), 2, seed=1)
    rng = np.random.default_rng(0)
    noise = LabelArray(rng.integers(2, size=(1, 40, 40)).astype(np.uint8), Grid((1, 40, 40)), default_phases(2))
    found = check_patterns(inputs(even, even, noise))
    assert found.status == "warning"
    assert found.sentence.startswith("The image normal to x is small for its texture")
    assert set(found.numbers) == {"zy", "x"}


def test_what_can_not_be_told_is_said():
    tiny = LabelArray(np.zeros((1, 3, 3), np.uint8), Grid((1, 3, 3)), default_phases(2))
    assert check_patterns(inputs(tiny)).status == "unknown"
    many = LabelArray(np.zeros((1, 30, 30), np.uint8), Grid((1, 30, 30)), default_phases(28))
    assert "at most 27 phases" in check_patterns(inputs(many)).sentence
