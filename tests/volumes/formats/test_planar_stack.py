import numpy as np
import pytest
import tifffile

from mesofuse.errors import UserError
from mesofuse.volumes.formats.planar_stack import as_stack_or_colors, colors, grey, same_labels
from mesofuse.volumes.formats.tiff import read
from mesofuse.volumes.intensities import read_intensities
from mesofuse.volumes.labelling import to_labels
from mesofuse.volumes.raw import RawImage

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
RNG = np.random.default_rng(0)


def saved(tmp_path, array, **options):
    tifffile.imwrite(tmp_path / "a.tif", array, **options)
    return str(tmp_path / "a.tif")


@pytest.mark.parametrize("slices", [3, 4])
@pytest.mark.parametrize("phases", [2, 3, 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("options", [{}, {"metadata": None}, {"compression": "zlib"}], ids=["shaped", "bare", "zlib"])
def test_slices_that_tifffile_tags_as_colours_by_default(tmp_path, slices, phases, dtype, options):
    labels = RNG.integers(0, phases, (slices, 40, 40)).astype(np.uint8)
    raw = read(saved(tmp_path, labels.astype(dtype), **options))
    found, mapping = to_labels(raw)
    np.testing.assert_array_equal(found.array, labels)
    assert f"its {slices} planes are tagged as colours" in mapping.notes[0]


@pytest.mark.parametrize("codes", [[0, 255], [0, 127, 254], [10, 90, 170, 250]])
@pytest.mark.parametrize("slices", [3, 4])
def test_slices_of_grey_codes(tmp_path, codes, slices):
    labels = RNG.integers(0, len(codes), (slices, 40, 40))
    found, _ = to_labels(read(saved(tmp_path, np.array(codes, np.uint8)[labels])))
    np.testing.assert_array_equal(found.array, labels)


COLORS = np.array([[27, 27, 27], [213, 94, 0], [0, 114, 178]], np.uint8)
PURE = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)


@pytest.mark.parametrize("palette", [COLORS, np.array([[255, 0, 0], [0, 255, 255]], np.uint8)])
@pytest.mark.parametrize("opacity", [False, True])
def test_colours_in_planes_of_their_own_are_colours(tmp_path, palette, opacity):
    labels = RNG.integers(0, len(palette), (40, 40))
    planes = np.moveaxis(palette[labels], -1, 0)
    if opacity:
        planes = np.concatenate([planes, np.full((1, 40, 40), 255, np.uint8)])
    path = saved(tmp_path, planes, photometric="rgb", planarconfig="separate")
    found, mapping = to_labels(read(path))
    assert found.array.shape == (1, 40, 40)
    assert len(mapping.originals) == len(palette)
    assert mapping.originals[0].startswith("#")


@pytest.mark.parametrize(
    "planes",
    [
        np.moveaxis(np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0]], np.uint8)[RNG.integers(0, 3, (40, 40))], -1, 0),
        np.moveaxis(PURE[RNG.integers(0, 3, (40, 40))], -1, 0),
        np.repeat(RNG.integers(0, 2, (1, 40, 40)) * np.uint8(255), 3, 0),
    ],
    ids=["black, white, red", "red, green, blue", "thrice the same"],
)
def test_what_may_be_either_is_refused_with_the_way_out(tmp_path, planes):
    path = saved(tmp_path, planes.astype(np.uint8), photometric="rgb", planarconfig="separate")
    with pytest.raises(UserError, match=r"may be 3 slices .* photometric='minisblack'.* PNG"):
        to_labels(read(path))


def test_grey_slices_are_not_taken_for_a_photograph(tmp_path):
    path = saved(tmp_path, RNG.integers(0, 256, (3, 40, 40)).astype(np.uint8))
    with pytest.raises(UserError, match="may be 3 slices"):
        read_intensities({"zyx": path}, "grey")
    assert read_intensities({"zyx": path}, "colour")[0]["zyx"].array.shape == (3, 1, 40, 40)
    with pytest.raises(UserError, match="more than 16 colours"):
        to_labels(read(path))
    raw = RawImage(np.repeat(RNG.integers(0, 256, (9, 9, 1)), 3, -1), "a.tif", color=True, planar=True)
    assert grey(raw).array.shape == (9, 9, 3)


def test_what_is_not_planar_passes():
    raw = RawImage(np.zeros((4, 4, 3), np.uint8), "a.tif", color=True)
    assert as_stack_or_colors(raw) is colors(raw) is grey(raw) is raw


def test_planes_of_the_same_few_values_are_label_images():
    assert same_labels(RNG.integers(0, 3, (4, 20, 20)))
    assert not same_labels(np.stack([np.zeros((9, 9)), np.arange(81).reshape(9, 9) % 9]))
    assert not same_labels(RNG.integers(0, 255, (4, 20, 20)))
