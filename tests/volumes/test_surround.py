import numpy as np
import pytest

from mesofuse.simulation.electrode import make_electrode, sections
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labelling import to_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.surround import Surround, find_surround


def labelled(array, phases=None):
    array = np.asarray(array, np.uint8)
    return LabelArray(array, Grid(array.shape), default_phases(phases or int(array.max()) + 1))


def material(shape, seed=0, fraction=0.5, width=2):
    """Two phases of random blobs about ``width`` voxels wide, of which phase 1 is a share ``fraction``."""
    values = np.random.default_rng(seed).standard_normal(shape)
    for axis in range(3):
        for _ in range(width if shape[axis] > 2 else 0):
            values = values + np.roll(values, 1, axis) + np.roll(values, -1, axis)
    return (values > np.quantile(values, 1 - fraction)).astype(np.uint8)


def disc(n):
    y, x = np.mgrid[:n, :n] - (n - 1) / 2
    return y**2 + x**2 <= (n / 2) ** 2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("shape", [(32, 32, 32), (48, 64, 40), (1, 64, 64), (1, 200, 160), (4, 96, 96)])
def test_ordinary_material_has_none(shape, fraction, seed):
    assert find_surround(labelled(material(shape, seed, fraction), 2)) is None


@pytest.mark.parametrize("phases", [3, 5])
def test_several_phases_have_none(phases):
    for seed in range(3):
        assert find_surround(blobs((40, 40, 40), phases, seed=seed)) is None


def test_the_electrode_and_its_images_have_none():
    electrode = make_electrode((64, 64, 64), seed=0)
    assert find_surround(electrode) is None
    assert find_surround(labelled(electrode.array[2::4, 2::4, 2::4], 3)) is None
    assert find_surround(sections(electrode, 6, 64, seed=0)) is None


def test_structures_that_look_empty_in_places_have_none():
    layers = np.broadcast_to((np.arange(48) // 6 % 2)[:, None, None], (48, 48, 48))
    assert find_surround(labelled(layers)) is None
    big = material((48, 48, 48))
    z, y, x = np.mgrid[:48, :48, :48]
    big[z**2 + y**2 + x**2 < 20**2] = 0
    assert find_surround(labelled(big, 2)) is None
    rng, fibres = np.random.default_rng(0), np.zeros((64, 64, 64), np.uint8)
    for axis in range(3):
        for a, b in rng.integers(62, size=(14, 2)):
            np.moveaxis(fibres, axis, 0)[:, a : a + 2, b : b + 2] = 1
    assert find_surround(labelled(fibres, 2)) is None
    assert find_surround(labelled(np.zeros((16, 16, 16)), 2)) is None


@pytest.mark.parametrize("value", [0, 2])
@pytest.mark.parametrize("shape", [(24, 48, 48), (64, 100, 100)])
def test_a_cylinders_outside_is_found(shape, value):
    array = np.where(disc(shape[1]), material(shape, 1), value)
    found = find_surround(labelled(array, 3))
    assert found is not None
    assert (found.label, found.shape) == (value, "as around a cylinder or a turned scan")
    assert found.share == pytest.approx(1 - np.pi / 4, abs=0.03)


def test_the_corners_of_a_turned_scan_are_found():
    from scipy.ndimage import rotate

    array = rotate(material((32, 60, 60), 1) + 1, 20, axes=(1, 2), order=0, cval=0)
    found = find_surround(labelled(array, 3))
    assert (found.label, found.shape) == (0, "as around a cylinder or a turned scan")
    # Of a value of the material too.
    array = rotate(material((32, 60, 60), 1), 20, axes=(1, 2), order=0, cval=0)
    assert find_surround(labelled(array, 2)).label == 0


@pytest.mark.parametrize(
    ("where", "shape"),
    [((slice(None, 3),), "at one side"), ((slice(None), slice(-4, None)), "at one side"),
     ((slice(None), slice(None), slice(None, 5)), "at one side")],
)  # fmt: skip
def test_padding_at_one_side_is_found(where, shape):
    array = material((40, 48, 48), 1)
    array[where] = 0
    assert find_surround(labelled(array, 2)) == Surround(0, pytest.approx(3 / 40, abs=0.04), shape)


def test_frames_of_volumes_and_images_are_found():
    volume = np.pad(material((30, 40, 40), 1), 3)
    assert find_surround(labelled(volume, 2)).shape == "a frame"
    image = np.pad(material((1, 80, 90), 1), ((0, 0), (5, 5), (5, 5)))
    assert find_surround(labelled(image, 2)).shape == "a frame"


def test_a_round_image_is_found():
    image = np.where(disc(120), material((1, 120, 120), 1), 0)
    assert find_surround(labelled(image, 2)).shape == "as around a disc or a turned image"


def test_masked_labels_and_intensities_have_none():
    array = np.where(disc(48), material((24, 48, 48), 1), 0).astype(np.uint8)
    grid = Grid(array.shape)
    assert find_surround(LabelArray(array, grid, default_phases(2))) is not None
    assert find_surround(LabelArray(array, grid, default_phases(2), masked=True)) is None
    assert find_surround(LabelArray(array, grid, ())) is None


def test_reading_a_file_names_its_own_value_and_the_way_out():
    array = np.where(disc(48), material((24, 48, 48), 1) + 1, 0) * 100
    _, mapping = to_labels(RawImage(array.astype(np.uint8), "scan.tif"))
    assert len(mapping.notes) == 1
    assert mapping.notes[0].startswith("the value 0 lies around all else (21.")
    assert mapping.notes[0].endswith("if it is padding, leave it out with --ignore surround:0")
