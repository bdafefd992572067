import math

import numpy as np
import pytest

from mesofuse.preflight.representativity import Fraction, fraction_error


def test_independent_pixels():
    image = (np.random.default_rng(0).random((256, 256)) < 0.3).astype(np.uint8)
    found = fraction_error([image], [1])
    assert found.value == image.mean()
    assert found.range == pytest.approx(1, rel=0.3)
    assert found.error == pytest.approx(1.96 * math.sqrt(0.21) / 256, rel=0.15)


@pytest.mark.parametrize(("shape", "edge"), [((60, 60), 5), ((20, 20, 20), 4)])
def test_integral_range_of_independent_blocks_is_their_size(shape, edge):
    rng = np.random.default_rng(1)
    mosaic = rng.integers(0, 2, shape, dtype=np.uint8)
    for axis in range(len(shape)):
        mosaic = mosaic.repeat(edge, axis)
    found = fraction_error([mosaic], [1])
    assert found.range == pytest.approx(edge ** len(shape), rel=0.3)
    assert found.voxels == mosaic.size


MEDIA = {
    "discs": (lambda media, rng: media.discs((160, 160), 5, 0.4, rng), 0.4),
    "large discs": (lambda media, rng: media.discs((160, 160), 12, 0.4, rng), 0.4),
    "few discs": (lambda media, rng: media.discs((256, 256), 5, 0.1, rng), 0.1),
    "smooth field": (lambda media, rng: media.gaussian((160, 160), 4, rng), 0.5),
    "rare phase": (lambda media, rng: media.gaussian((160, 160), 5, rng, level=1.0), 0.158655),
    "spheres": (lambda media, rng: media.discs((48, 48, 48), 5, 0.3, rng), 0.3),
}


@pytest.mark.parametrize("name", MEDIA)
def test_the_interval_holds_the_truth_about_as_often_as_it_says(name, media):
    make, truth = MEDIA[name]
    rng = np.random.default_rng(7)
    found = [fraction_error([make(media, rng)], [1]) for _ in range(120)]
    covered = np.mean([abs(f.value - truth) <= f.error for f in found])
    assert 0.85 <= covered <= 0.99
    spread = 1.96 * math.sqrt(np.mean([(f.value - truth) ** 2 for f in found]))
    assert np.median([f.error for f in found]) == pytest.approx(spread, rel=0.25)


def test_four_images_halve_the_error(media):
    rng = np.random.default_rng(3)
    images = [media.discs((200, 200), 5, 0.4, rng) for _ in range(4)]
    one = np.mean([fraction_error([image], [1]).error for image in images])
    assert fraction_error(images, [1]).error == pytest.approx(one / 2, rel=0.15)


def test_complementary_phases_are_equally_sure(media):
    image = media.discs((128, 128), 6, 0.3, np.random.default_rng(0))
    assert fraction_error([image], [0]).error == pytest.approx(fraction_error([image], [1]).error, rel=1e-3)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((64, 64), np.uint8),
        np.ones((1, 64), np.uint8),
        np.ones((1, 1), np.uint8),
        np.eye(2, dtype=np.uint8),
        np.repeat(np.arange(2, dtype=np.uint8), 32)[None].repeat(64, 0),
        np.array([[0, 1]], np.uint8),
    ],
)
def test_too_little_to_tell(image):
    found = fraction_error([image], [1])
    assert found.value == image.mean()
    assert not found.certain
    assert "?" in str(found)


def test_text():
    assert str(Fraction(0.1235, 0.0026, 17.6, 2**20)) == "12.3 ± 0.3 %"
    assert Fraction(0.2, 0.01, 1, 1).relative == pytest.approx(0.05)
    assert math.isnan(Fraction(0.0, math.nan, 1, 1).relative)
