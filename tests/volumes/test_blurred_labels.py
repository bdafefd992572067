import functools
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

from mesofuse.errors import UserError
from mesofuse.volumes.blurred_labels import bar, blurred, lossy
from mesofuse.volumes.formats.image import read
from mesofuse.volumes.labelling import to_labels
from mesofuse.volumes.raw import RawImage


def grains(phases, shape=(1, 160, 160), size=4.0, seed=0, shares=None):
    """Return labels 0 … n−1 of grains of some voxels."""
    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), [0 if n == 1 else size for n in shape])
    shares = np.full(phases, 1 / phases) if shares is None else np.asarray(shares)
    return np.searchsorted(np.quantile(field, np.cumsum(shares)[:-1]), field).astype(np.uint8)


@functools.cache
def voronoi(phases, seed=0, points=150, shape=(160, 160)):
    """Return labels of grains that lie next to any other, not in order."""
    rng = np.random.default_rng(seed)
    at, phase = rng.random((points, 2)) * shape, rng.integers(0, phases, points)
    where = np.stack(np.indices(shape), -1).reshape(-1, 1, 2)
    nearest = np.concatenate([((w - at) ** 2).sum(-1).argmin(1) for w in np.array_split(where, 8)])
    return phase[nearest].reshape(1, *shape).astype(np.uint8)


def clause(array):
    values, counts = np.unique(array, return_counts=True)
    return blurred(array, values.tolist(), counts.tolist())


CODES = {2: [0, 255], 3: [0, 127, 254], 4: [0, 85, 170, 255], 5: [0, 64, 128, 191, 255], 10: list(range(0, 250, 25))}


# --- recognised -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phases", [2, 3])
@pytest.mark.parametrize("way", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
@pytest.mark.parametrize("factor", [0.5, 0.75, 1.5, 2, 4])
def test_labels_that_were_resized_with_interpolation(phases, way, factor):
    codes = np.array(CODES[phases], np.uint8)[voronoi(phases)[0]]
    size = [int(n * factor) for n in codes.shape]
    resized = np.asarray(Image.fromarray(codes).resize(size, way))[np.newaxis]
    said = clause(resized)
    assert "of which" in said
    assert "boundaries" in said
    assert f"{CODES[phases][-1]}: " in said
    with pytest.raises(UserError, match="resize with nearest neighbour"):
        to_labels(RawImage(resized, "a.png"))


def test_volumes_that_were_resized(tmp_path):
    codes = np.array(CODES[2], np.uint8)[grains(2, (24, 24, 24), 3)]
    assert "boundaries" in clause(np.rint(zoom(codes.astype(float), 1.5, order=1)).astype(np.uint8))


@pytest.mark.parametrize("quality", [60, 75, 85, 90, 95, 98, 100])
@pytest.mark.parametrize("phases", [2, 3])
@pytest.mark.parametrize("names", [0, 2, 3])
def test_labels_that_were_saved_as_jpeg_whatever_they_are_now(tmp_path, quality, phases, names):
    codes = np.array(CODES[phases], np.uint8)[voronoi(phases)[0]]
    Image.fromarray(codes).save(tmp_path / "a.jpg", quality=quality)
    given = [f"p{i}" for i in range(names)]
    with pytest.raises(UserError, match="is a JPEG with"):
        to_labels(read(str(tmp_path / "a.jpg")), phase_names=given)
    Image.open(tmp_path / "a.jpg").save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"crowd around|of which|more than 32|grey-level"):
        to_labels(read(str(tmp_path / "a.png")), phase_names=given)


@pytest.mark.parametrize("quality", [90, 95, 98, 100])
@pytest.mark.parametrize("phases", [2, 3])
def test_what_jpeg_leaves_is_named_by_its_levels(quality, phases):
    codes = np.array(CODES[phases], np.uint8)[voronoi(phases)[0]]
    file = io.BytesIO()
    Image.fromarray(codes).save(file, "JPEG", quality=quality)
    array = np.asarray(Image.open(file))[np.newaxis]
    said = clause(array)
    assert said
    assert all(f"{code} (" in said or f"{code}: " in said for code in (CODES[phases][0], CODES[phases][-1]))


@pytest.mark.parametrize("size", [1.5, 3])
@pytest.mark.parametrize("phases", [3, 4, 5])
def test_fine_structures_too(phases, size):
    codes = np.array(CODES[phases], np.uint8)[grains(phases, size=size)[0]]
    for quality in (90, 98, 100):
        file = io.BytesIO()
        Image.fromarray(codes).save(file, "JPEG", quality=quality)
        with pytest.raises(UserError, match=r"crowd around|more than 32"):
            to_labels(RawImage(np.asarray(Image.open(file)), "a.png"))
    bigger = np.asarray(Image.fromarray(codes).resize((320, 320), Image.Resampling.BILINEAR))
    with pytest.raises(UserError, match=r"as interpolation leaves|more than 32"):
        to_labels(RawImage(bigger, "a.png"))


@pytest.mark.parametrize("quality", [95, 98, 100])
def test_small_numbers_in_a_jpeg_are_refused_too(tmp_path, quality):
    Image.fromarray(voronoi(3)[0]).save(tmp_path / "a.jpg", quality=quality)
    with pytest.raises(UserError, match="JPEG with"):
        to_labels(read(str(tmp_path / "a.jpg")), phase_names=["a", "b", "c"])


def test_lossy_leaves_alone_what_can_not_have_been_altered():
    assert lossy("JPEG", [0, 255], [5, 5]) == ""
    assert lossy("JPEG", [7], [5]) == ""
    assert "crowd around 2 levels: 0 (0 to 1, 50.00 %), 255 (255 to 256" not in lossy("JPEG", [0, 1, 255], [4, 1, 5])
    assert "2 levels: 0 (0 to 1, 50.00 %), 255 (50.00 %)" in lossy("JPEG", [0, 1, 255], [4, 1, 5])


# --- left alone -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phases", [2, 3, 4, 5, 10])
@pytest.mark.parametrize("make", [grains, voronoi])
@pytest.mark.parametrize("coded", [False, True])
def test_label_images_of_many_phases_pass(phases, make, coded):
    labels = make(phases)
    array = np.array(CODES[phases], np.uint8)[labels] if coded else labels
    assert clause(array) == ""
    np.testing.assert_array_equal(to_labels(RawImage(array, "a.png"))[0].array, labels)


@pytest.mark.parametrize("size", [1, 1.5, 2, 3])
@pytest.mark.parametrize("phases", [3, 4, 5, 10])
def test_fine_layers_in_the_order_of_their_codes_pass(phases, size):
    labels = grains(phases, size=size)
    np.testing.assert_array_equal(
        to_labels(RawImage(np.array(CODES[phases], np.uint8)[labels], "a.png"))[0].array, labels
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("phases", [4, 5, 8])
@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 12, 9), (3, 8, 8), (1, 60, 60)])
def test_tiny_and_noisy_images_pass(phases, shape, seed):
    noise = np.random.default_rng(seed).integers(0, phases, shape).astype(np.uint8)
    assert clause(noise) == ""
    assert clause(noise * np.uint8(28)) == ""


@pytest.mark.parametrize("seed", range(4))
def test_rare_phases_pass(seed):
    shares = [0.5, 0.001, 0.3, 0.001, 0.001, 0.19, 0.007]
    labels = np.zeros((1, 200, 200), np.uint8)
    rng = np.random.default_rng(seed)
    labels[:] = np.array([0, 2, 5], np.uint8)[voronoi(3, seed, shape=(200, 200))]
    for phase, share in enumerate(shares):
        for _ in range(int(share * 40000 / 9) if phase in (1, 3, 4, 6) else 0):
            y, x = rng.integers(0, 197, 2)
            labels[0, y : y + 3, x : x + 3] = phase
    assert clause(labels) == ""
    assert clause(labels * np.uint8(36)) == ""


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 2000), min_size=4, max_size=32, unique=True), st.integers(0, 2**31))
def test_noise_of_any_values_passes(values, seed):
    assert clause(np.random.default_rng(seed).choice(np.array(values), (1, 40, 40))) == ""


def test_a_coat_between_two_phases_passes():
    labels = grains(2, size=6)[0]
    coat = (labels != np.roll(labels, 1, 0)) | (labels != np.roll(labels, 1, 1))
    array = np.where(coat, 128, labels * 255).astype(np.uint8)[np.newaxis]
    assert clause(array) == ""


def test_naming_every_value_passes_what_looks_resized():
    codes = np.array(CODES[2], np.uint8)[voronoi(2)[0]]
    halved = np.asarray(Image.fromarray(codes).resize((80, 80), Image.Resampling.BOX))[np.newaxis]
    values = np.unique(halved)
    assert clause(halved)
    labels, _ = to_labels(RawImage(halved, "a.png"), phase_names=[f"p{v}" for v in values])
    assert len(labels.phases) == len(values)


# --- a burnt-in bar ---------------------------------------------------------------------------------------------------


def test_a_scale_bar_is_noted_and_a_grain_is_not():
    labels = voronoi(3).copy()
    labels[0, 140:145, 100:150] = 255
    assert bar(labels, 255) == ((140, 144), (100, 149))
    notes = to_labels(RawImage(labels, "a.png"))[1].notes
    assert "rows 140 to 144 and columns 100 to 149" in notes[0]
    assert to_labels(RawImage(voronoi(3), "a.png"))[1].notes == ()
    labels[0, 10, 10] = 255
    assert bar(labels, 255) is None
