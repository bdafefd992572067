import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labelling import read_labels, to_labels
from mesofuse.volumes.labels import LabelArray, is_masked
from mesofuse.volumes.mask import Ignore, convex, surrounding
from mesofuse.volumes.phases import IGNORED, default_phases
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.store.levels import mode_of_blocks

RNG = np.random.default_rng(0)


def disc(n, radius=None):
    y, x = np.mgrid[:n, :n] - (n - 1) / 2
    return y**2 + x**2 <= (radius or n / 2) ** 2


def ignoring(*texts):
    return [Ignore.parse(text) for text in texts]


def test_an_ignored_value_is_no_phase_and_the_others_are_numbered_without_it():
    array = np.array([[[0, 7, 3], [3, 0, 9]]], np.uint16)
    labels, mapping = to_labels(RawImage(array, "a.tif"), ignore=ignoring("3"))
    np.testing.assert_array_equal(labels.array, [[[0, 1, IGNORED], [IGNORED, 0, 2]]])
    assert labels.masked
    assert mapping.originals == (0, 7, 9)
    assert mapping.notes == ("2 voxels (33.33%) of the value 3 are ignored",)
    assert len(labels.phases) == 3


def test_without_a_mask_labels_say_so():
    labels, _ = to_labels(RawImage(np.array([[0, 1]], np.uint8), "a.tif"))
    assert not is_masked(labels)


def test_names_are_for_what_is_left():
    array = np.array([[255, 0, 1]], np.uint8)
    labels, _ = to_labels(RawImage(array, "a.tif"), ignore=ignoring("255"), phase_names=("pore", "solid"))
    assert [p.name for p in labels.phases] == ["pore", "solid"]


def test_nan_and_colours_can_be_ignored():
    array = np.array([[0, np.nan, 1]], np.float32)
    labels, _ = to_labels(RawImage(array, "a.tif"), ignore=ignoring("nan"))
    np.testing.assert_array_equal(labels.array, [[[0, IGNORED, 1]]])
    colours = np.array([[[255, 0, 0], [0, 0, 255], [0, 255, 0]]], np.uint8)
    labels, mapping = to_labels(RawImage(colours, "a.png", color=True), ignore=ignoring("#0000FF"))
    assert sorted(labels.array.ravel().tolist()) == [0, 1, IGNORED]
    assert labels.array[0, 0, 1] == IGNORED
    assert "#0000ff" not in mapping.originals
    assert "#0000ff" not in [p.color for p in labels.phases]


def test_transparent_pixels_are_ignored_and_said():
    mask = np.array([[True, False, False]])
    labels, mapping = to_labels(RawImage(np.array([[0, 0, 1]], np.uint8), "a.png", mask=mask))
    np.testing.assert_array_equal(labels.array, [[[IGNORED, 0, 1]]])
    assert "transparent" in mapping.notes[0]


@pytest.mark.parametrize(
    ("texts", "words"),
    [(["4"], "its values are 0, 1, 2"), (["0", "1", "2"], "Every voxel"), (["surround:2"], "around all else")],
)
def test_what_cannot_be_ignored_is_said(texts, words):
    array = np.array([[[0, 1, 1], [1, 2, 0], [1, 0, 1]]], np.uint8)
    with pytest.raises(UserError, match=words):
        to_labels(RawImage(array, "a.tif"), ignore=ignoring(*texts), allow_single_phase=True)


@pytest.mark.parametrize("text", ["pore", "", "inf", "low-res=3", "surround:x"])
def test_malformed_values_are_refused(text):
    with pytest.raises(UserError, match="no value to be ignored"):
        Ignore.parse(text)


@pytest.mark.parametrize("slices", [1, 3])
def test_the_surround_of_a_cylinder_is_its_outside_though_pores_have_its_value(slices):
    inside = np.broadcast_to(disc(40), (slices, 40, 40))
    material = (RNG.random((slices, 40, 40)) < 0.6) & inside
    found = surrounding(~material)
    assert not (found & material).any()
    assert (found & ~inside).sum() >= (~inside).sum()
    assert (found & inside).sum() <= 0.04 * inside.sum()  # pores open to its surface


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 9), st.integers(1, 9))
def test_the_hull_is_that_of_half_planes(seed, rows, columns):
    flat = np.random.default_rng(seed).random((rows, columns)) < 0.3
    hull = convex(flat)
    points = np.argwhere(flat)
    directions = [(np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 720, endpoint=False)]
    places = np.argwhere(np.ones_like(flat))
    wanted = np.full(len(places), bool(len(points)))
    for direction in directions if len(points) else []:
        wanted &= places @ direction <= (points @ direction).max() + 0.02
    assert (hull.ravel() <= wanted).all()
    strict = np.full(len(places), bool(len(points)))
    for direction in directions if len(points) else []:
        strict &= places @ direction <= (points @ direction).max() + 1e-9
    assert (strict <= hull.ravel()).all() or not len(points)


def masked(shape=(5, 6, 7), phases=3):
    labels = RNG.integers(0, phases, shape).astype(np.uint8)
    labels[RNG.random(shape) < 0.3] = IGNORED
    return LabelArray(labels, Grid(shape, (1.0, 0.5, 0.5), "micrometer"), default_phases(phases), masked=True)


def stored(path, labels):
    volume = LabelVolume.create(path, labels.grid, labels.phases, masked=True)
    volume.write(labels.grid.region, labels.array)
    return volume


def test_a_masked_volume_says_so_wherever_it_is_opened(tmp_path):
    labels = masked((20, 30, 300))
    volume = stored(tmp_path / "v.zarr", labels)
    volume.build_levels()
    opened = LabelVolume.open(tmp_path / "v.zarr")
    assert opened.masked
    assert opened.level(1).masked
    assert opened.phases == labels.phases
    np.testing.assert_array_equal(opened.read(opened.grid.region), labels.array)
    label = dict(opened._group.attrs)["ome"]["image-label"]
    assert {"label-value": IGNORED, "rgba": [255, 255, 255, 0]} in label["colors"]
    assert {"label-value": IGNORED, "name": "ignored"} in label["properties"]
    again, _ = read_labels(tmp_path / "v.zarr")
    assert is_masked(again)


def test_a_volume_that_is_not_masked_takes_no_ignored_voxel(tmp_path):
    labels = masked()
    volume = LabelVolume.create(tmp_path / "v.zarr", labels.grid, labels.phases)
    with pytest.raises(ValueError, match="the label 255"):
        volume.write(labels.grid.region, labels.array)
    wrong = np.where(labels.array == 2, 3, labels.array).astype(np.uint8)
    with pytest.raises(ValueError, match="the label 3"):
        stored(tmp_path / "w.zarr", LabelArray(wrong, labels.grid, labels.phases, masked=True))


def test_a_phase_of_a_volume_on_disk_is_ignored_as_one_of_a_file(tmp_path):
    array = RNG.integers(0, 3, (4, 5, 6)).astype(np.uint8)
    volume = LabelVolume.create(tmp_path / "v.zarr", Grid(array.shape), default_phases(3, ("a", "b", "c")))
    volume.write(volume.grid.region, array)
    np.save(tmp_path / "v.npy", array)
    found, mapping = read_labels(tmp_path / "v.zarr", ignore=ignoring("1"))
    wanted, same = read_labels(tmp_path / "v.npy", ignore=ignoring("1"))
    region = Region((1, 0, 2), (3, 5, 6))
    np.testing.assert_array_equal(found.read(region), wanted.read(region))
    assert is_masked(found)
    assert [p.name for p in found.phases] == ["a", "c"]
    assert mapping.originals == same.originals == (0, 2)
    assert mapping.notes[-1] == same.notes[-1]
    with pytest.raises(UserError, match="its values are 0, 1, 2"):
        read_labels(tmp_path / "v.zarr", ignore=ignoring("7"))


@pytest.mark.parametrize("ending", ["npy", "zarr"])
def test_a_part_of_a_file_is_what_the_file_of_the_part_is(tmp_path, ending):
    array = RNG.integers(0, 3, (6, 7, 8)).astype(np.uint8)
    path = tmp_path / f"v.{ending}"
    if ending == "npy":
        np.save(path, array)
    else:
        volume = LabelVolume.create(path, Grid(array.shape, (2.0, 1.0, 1.0), "micrometer"), default_phases(3))
        volume.write(volume.grid.region, array)
    part, _ = read_labels(path, crop="1:4,:,2:", voxel_size=(2.0, 1.0, 1.0))
    np.testing.assert_array_equal(part.read(part.grid.region), array[1:4, :, 2:])
    assert part.grid.shape == (3, 7, 6)
    assert part.grid.origin == (2.0, 0.0, 2.0)
    with pytest.raises(UserError, match="reaches outside"):
        read_labels(path, crop="0:99,:,:")


def test_coarser_levels_take_the_most_frequent_of_labels_and_mask():
    labels = np.full((2, 2, 4), IGNORED, np.uint8)
    labels[0, :, :2] = 1  # a tie: the label
    np.testing.assert_array_equal(mode_of_blocks(labels), [[[1, IGNORED]]])
    odd = np.array([[[0, IGNORED, IGNORED]]], np.uint8)
    np.testing.assert_array_equal(mode_of_blocks(odd, (1, 1, 2)), [[[0, IGNORED]]])
