"""One rule for all containers: the same labels whatever a file's mode, compression, and whether stack or folder."""

import numpy as np
import pytest
from PIL import Image

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import read_raw
from mesofuse.volumes.formats.raster import as_it_looks, shared_palette, turned_round, without_opacity
from mesofuse.volumes.intensities import read_intensities
from mesofuse.volumes.labelling import to_labels
from mesofuse.volumes.phases import IGNORED
from mesofuse.volumes.raw import RawImage
from tests.volumes import tiffs

STACK = np.random.default_rng(0).integers(0, 3, (4, 19, 37), dtype=np.uint8)
TWO = STACK % 2
COLORS = np.array([[27, 27, 27], [213, 94, 0], [0, 114, 178]], np.uint8)  # not in order of brightness
GREYS = np.array([0, 127, 254], np.uint8)
BLACK_LAST = COLORS[::-1]
BRIGHT = np.rint(BLACK_LAST @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)

# name: what a plane of labels is written as, the tags that say so, and the labels that it stands for
MODES = {
    "1": (TWO, {"bits": 1}, TWO),
    "1, zero is white": (1 - TWO, {"bits": 1, "photometric": 0}, TWO),
    "2": (STACK, {"bits": 2}, STACK),
    "2, zero is white": (3 - STACK, {"bits": 2, "photometric": 0}, STACK),
    "4": (STACK, {"bits": 4}, STACK),
    "4, zero is white": (15 - STACK, {"bits": 4, "photometric": 0}, STACK),
    "8": (STACK, {}, STACK),
    "8, codes": (GREYS[STACK], {}, STACK),
    "8, zero is white": (255 - STACK, {"photometric": 0}, STACK),
    "12": (STACK.astype(np.uint16) * 2000, {"bits": 12}, STACK),
    "12, zero is white": (4095 - STACK.astype(np.uint16), {"bits": 12, "photometric": 0}, STACK),
    "16": (STACK.astype(np.uint16) * 300, {"bits": 16}, STACK),
    "16, zero is white": (65535 - STACK.astype(np.uint16), {"bits": 16, "photometric": 0}, STACK),
    "palette of 1 bit": (TWO, {"bits": 1, "photometric": 3, "palettes": [BLACK_LAST[:2]]}, TWO),
    "palette of 4 bits": (STACK, {"bits": 4, "photometric": 3, "palettes": [BLACK_LAST]}, STACK),
    "palette of 8 bits": (STACK, {"photometric": 3, "palettes": [BLACK_LAST]}, STACK),
    "grey and opacity": (np.stack([STACK, np.full_like(STACK, 255)], -1), {"extra": [2]}, STACK),
    "colours": (np.repeat(GREYS[STACK][..., None], 3, -1), {"photometric": 2}, STACK),
    "colours and opacity": (
        np.concatenate([np.repeat(GREYS[STACK][..., None], 3, -1), np.full((*STACK.shape, 1), 255, np.uint8)], -1),
        {"photometric": 2, "extra": [1]},
        STACK,
    ),
}
COMPRESSIONS = ["none", "deflate", "lzw", "packbits", "lzma"]
LAYOUTS = {"strip": {}, "strips": {"rows": 8}, "tiles": {"tile": 16}, "big-endian": {"order": ">"}, "lsb": {"fill": 2}}


def labels_of(path, **more):
    return to_labels(read_raw(str(path)), **more)[0].array


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("mode", MODES)
def test_every_tiff_of_the_same_labels_is_the_same(tmp_path, mode, compression):
    stored, tags, want = MODES[mode]
    for layout, more in LAYOUTS.items():
        tiffs.write(tmp_path / "one.tif", stored[:1], compression=compression, **tags, **more)
        np.testing.assert_array_equal(labels_of(tmp_path / "one.tif"), want[:1], layout)
    tiffs.write(tmp_path / "stack.tif", stored, compression=compression, **tags)
    np.testing.assert_array_equal(labels_of(tmp_path / "stack.tif"), want)
    (tmp_path / "folder").mkdir()
    for i, plane in enumerate(stored):
        tiffs.write(tmp_path / "folder" / f"{i}.tif", [plane], compression=compression, **tags)
    np.testing.assert_array_equal(labels_of(tmp_path / "folder"), want)


@pytest.mark.parametrize("compression", ["ccitt", "g3", "g4"])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("layout", ["strip", "strips", "lsb"])
def test_fax_compressions_too(tmp_path, compression, photometric, layout):
    stored = TWO if photometric else 1 - TWO
    tiffs.write(tmp_path / "a.tif", stored, bits=1, compression=compression, photometric=photometric, **LAYOUTS[layout])
    np.testing.assert_array_equal(labels_of(tmp_path / "a.tif"), TWO)


@pytest.mark.parametrize("compression", ["none", "lzw", "deflate"])
@pytest.mark.parametrize("bits", [8, 16])
def test_differences_of_neighbours(tmp_path, compression, bits):
    tiffs.write(tmp_path / "a.tif", STACK.astype(f"u{bits // 8}"), bits=bits, compression=compression, predictor=2)
    np.testing.assert_array_equal(labels_of(tmp_path / "a.tif"), STACK)


def pictures():
    """Pillow's modes: what is saved, the file's ending, and the labels that it stands for."""
    grey, color = Image.fromarray, lambda p: Image.fromarray(np.repeat(GREYS[p][..., None], 3, -1))

    def palette(colors):
        def made(plane):
            image = Image.fromarray(plane).convert("P")
            image.putpalette(colors.ravel().tolist())
            return image

        return made

    def opaque(make):
        def made(plane):
            image = make(plane)
            image.putalpha(255)
            return image

        return made

    for ending in ("png", "bmp"):
        yield f"{ending} of 1 bit", ending, lambda p: Image.fromarray(p > 0), TWO, {}
        yield f"{ending} of 8 bits", ending, grey, STACK, {}
        yield f"{ending} of codes", ending, lambda p: Image.fromarray(GREYS[p]), STACK, {}
        yield f"{ending} of colours", ending, color, STACK, {}
        yield f"{ending} with a palette", ending, palette(BLACK_LAST), STACK, {}
    yield "png with a palette of 1 bit", "png", palette(BLACK_LAST[:2]), TWO, {"bits": 1}
    yield "png with a palette of 2 bits", "png", palette(BLACK_LAST), STACK, {"bits": 2}
    yield "png with a palette of 4 bits", "png", palette(BLACK_LAST), STACK, {"bits": 4}
    yield "png of 16 bits", "png", lambda p: Image.fromarray(p.astype(np.uint16) * 9), STACK, {}
    yield "png of grey and opacity", "png", opaque(grey), STACK, {}
    yield "png of colours and opacity", "png", opaque(color), STACK, {}


@pytest.mark.parametrize(
    ("ending", "make", "want", "options"), [p[1:] for p in pictures()], ids=[p[0] for p in pictures()]
)
def test_every_picture_of_the_same_labels_is_the_same(tmp_path, ending, make, want, options):
    (tmp_path / "folder").mkdir()
    for i, plane in enumerate(want):
        make(plane).save(tmp_path / "folder" / f"{i}.{ending}", **options)
    np.testing.assert_array_equal(labels_of(tmp_path / "folder" / f"0.{ending}"), want[:1])
    np.testing.assert_array_equal(labels_of(tmp_path / "folder"), want)


@pytest.mark.parametrize("bits", [2, 4])
def test_a_png_of_few_bits_has_its_own_values(tmp_path, bits):
    chunks = png(STACK[0], bits)
    (tmp_path / "a.png").write_bytes(chunks)
    raw = read_raw(str(tmp_path / "a.png"))
    np.testing.assert_array_equal(raw.array, STACK[0])
    assert as_it_looks(raw).array.max() == 2 * 255 // (2**bits - 1)


def png(plane, bits, transparent=None):
    """Return a grey PNG of 2 or 4 bits, which Pillow does not write."""
    import struct
    import zlib

    each = (plane[..., None].astype(int) >> np.arange(bits - 1, -1, -1)) & 1
    rows = np.packbits(each.reshape(len(plane), -1).astype(np.uint8), axis=1)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", plane.shape[1], plane.shape[0], bits, 0, 0, 0, 0))]
    parts += [] if transparent is None else [(b"tRNS", struct.pack(">H", transparent))]
    parts += [(b"IDAT", data), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + body


# --- palettes ---------------------------------------------------------------------------------------------------------


def own_palettes(planes):
    """Give each plane a palette of the colours that it has, by how often it has them, as programs do to save space."""
    for plane in planes:
        labels, counts = np.unique(plane, return_counts=True)
        order = labels[np.argsort(-counts, kind="stable")]
        index = np.zeros(3, np.uint8)
        index[order] = np.arange(len(order))
        yield index[plane], COLORS[order]


UNLIKE = STACK.copy()
UNLIKE[1] = TWO[1] * 2  # lacks a phase
UNLIKE[2] = 2  # has one alone
BY_BRIGHTNESS = np.array([0, 2, 1], np.uint8)[UNLIKE]


def test_palettes_that_differ_from_slice_to_slice_are_read_by_colour(tmp_path):
    (tmp_path / "folder").mkdir()
    for i, (plane, colors) in enumerate(own_palettes(UNLIKE)):
        image = Image.fromarray(plane).convert("P")
        image.putpalette(colors.ravel().tolist())
        image.save(tmp_path / "folder" / f"{i}.png")
    labels, mapping = to_labels(read_raw(str(tmp_path / "folder")))
    np.testing.assert_array_equal(labels.array, BY_BRIGHTNESS)
    assert [p.color for p in labels.phases] == ["#1b1b1b", "#0072b2", "#d55e00"]
    assert "palettes of its images differ" in mapping.notes[0]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_palettes_that_differ_from_page_to_page_are_read_by_colour(tmp_path, compression):
    planes, palettes = zip(*own_palettes(UNLIKE), strict=True)
    path = tmp_path / "a.tif"
    tiffs.write(path, planes, photometric=3, palettes=palettes, compression=compression)
    np.testing.assert_array_equal(labels_of(path), BY_BRIGHTNESS)


def test_slices_that_a_program_made_small_each_in_its_way_are_read_as_they_look(tmp_path):
    for i, plane in enumerate(STACK):
        image = Image.fromarray(GREYS[plane])
        if i % 2:
            image = Image.fromarray(plane).convert("P")
            image.putpalette(np.repeat(GREYS, 3).tolist())
        image.save(tmp_path / f"{i}.png")
    labels, mapping = to_labels(read_raw(str(tmp_path)))
    np.testing.assert_array_equal(labels.array, STACK)
    assert mapping.originals == (0, 127, 254)
    assert "saved in unlike ways" in mapping.notes[0]


def test_bits_beside_bytes_are_refused(tmp_path):
    Image.fromarray(TWO[0] * np.uint8(255)).save(tmp_path / "0.png")
    Image.fromarray(TWO[1] > 0).save(tmp_path / "1.png")
    with pytest.raises(UserError, match=r"not alike: 1\.png is .* bool, but 0\.png is .* uint8"):
        read_raw(str(tmp_path))


def test_a_palette_gives_phases_their_colours_where_they_can_be_told_apart(tmp_path):
    path = tmp_path / "a.tif"
    tiffs.write(path, STACK, photometric=3, palettes=[COLORS])
    assert [p.color for p in to_labels(read_raw(str(path)))[0].phases] == ["#1b1b1b", "#d55e00", "#0072b2"]
    tiffs.write(path, STACK, photometric=3, palettes=[np.repeat(np.arange(256)[:, None], 3, 1)])
    assert [p.color for p in to_labels(read_raw(str(path)))[0].phases] == ["#1b1b1b", "#8c8c8c", "#f2f2f2"]


def test_what_palettes_share():
    a, b = np.array([[0, 0, 0], [9, 9, 9]], np.uint8), np.array([[9, 9, 9], [0, 0, 0]], np.uint8)
    both, zero, one = np.array([0, 1]), np.array([0]), np.array([1])
    assert np.array_equal(shared_palette([both, zero], [a, a[:1]]), a)
    assert shared_palette([both, both], [a, b]) is None
    assert shared_palette([zero, one], [a, b]) is None  # one colour, two indices
    assert np.array_equal(shared_palette([zero, one], [a, np.array([[5, 5, 5], [9, 9, 9]], np.uint8)]), a)


# --- transparency, zero as white --------------------------------------------------------------------------------------


def test_opaque_is_as_nothing_transparent_is_a_mask_and_between_is_counted():
    raw = RawImage(STACK[0, :2, :5], "a.png")
    opacity = np.full((2, 5), 255, np.uint8)
    assert without_opacity(raw, opacity) == raw
    opacity[0, 0] = 0
    assert without_opacity(raw, opacity).mask.sum() == 1
    opacity[1, 1:4] = 7
    partly = without_opacity(raw, opacity)
    assert (partly.partly, partly.mask.sum()) == (3, 1)
    with pytest.raises(UserError, match="3 partly transparent pixels"):
        to_labels(partly)
    with pytest.raises(UserError, match="transparent everywhere"):
        without_opacity(raw, opacity * 0)
    assert without_opacity(raw, np.full((2, 5), 65535, np.uint16)).mask is None


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_partly_transparent_pixels_are_no_labels_and_are_said_of_colours(tmp_path, ending):
    samples = np.concatenate([COLORS[STACK[0]], np.full((19, 37, 1), 99, np.uint8)], -1)
    Image.fromarray(samples).save(tmp_path / f"a.{ending}")
    with pytest.raises(UserError, match="703 partly transparent pixels"):
        labels_of(tmp_path / f"a.{ending}")
    assert "703 partly so" in read_intensities({"x": str(tmp_path / f"a.{ending}")}, "colour")[1][0]


ROUND = np.add.outer((np.arange(19) - 9) ** 2, (np.arange(37) - 18) ** 2) > 81


@pytest.mark.parametrize("kind", ["grey", "colour"])
@pytest.mark.parametrize("ending", ["png", "tif", "lzw"])
def test_a_transparent_surround_is_a_mask_in_every_container(tmp_path, kind, ending):
    opacity = np.where(ROUND, 0, 255).astype(np.uint8)
    values = GREYS[STACK[0]]
    samples = np.stack([*[values] * (1 if kind == "grey" else 3), opacity], -1)
    path = tmp_path / ("a.png" if ending == "png" else "a.tif")
    if ending == "png":
        Image.fromarray(samples).save(path)
    else:
        compression = "lzw" if ending == "lzw" else "none"
        tiffs.write(path, [samples], photometric=1 if kind == "grey" else 2, extra=[2], compression=compression)
    raw = read_raw(str(path))
    np.testing.assert_array_equal(raw.mask, ROUND)
    np.testing.assert_array_equal(to_labels(raw)[0].array[0], np.where(ROUND, IGNORED, STACK[0]))
    with pytest.raises(UserError, match="transparent pixels"):
        read_intensities({"zyx": str(path)}, "grey")
    (tmp_path / "folder").mkdir()
    path.rename(tmp_path / "folder" / path.name)
    np.testing.assert_array_equal(read_raw(str(tmp_path / "folder")).mask[0], ROUND)


@pytest.mark.parametrize(
    ("mode", "save"),
    [
        ("1", lambda path: Image.fromarray(TWO[0] > 0).save(path, transparency=1)),
        ("L", lambda path: Image.fromarray(TWO[0]).save(path, transparency=1)),
        ("P", lambda path: Image.fromarray(TWO[0]).convert("P").save(path, transparency=1)),
        ("I;16", lambda path: Image.fromarray(TWO[0].astype(np.uint16)).save(path, transparency=1)),
        ("2 bits", lambda path: path.write_bytes(png(TWO[0], 2, 1))),
        ("RGB", lambda path: Image.fromarray(np.repeat(TWO[0][..., None], 3, -1)).save(path, transparency=(1, 1, 1))),
    ],
)
def test_a_value_that_stands_for_transparency_is_a_mask(tmp_path, mode, save):
    save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_raw(str(tmp_path / "a.png")).mask, TWO[0] > 0)


def test_zero_as_white_is_said_and_needs_whole_numbers(tmp_path):
    array, note = turned_round(np.array([0, 15], np.uint8), 4, "a.tif")
    assert array.tolist() == [15, 0]
    assert "15 is read as 0" in note
    with pytest.raises(UserError, match="zero is white"):
        turned_round(np.zeros(3, np.float32), 32, "a.tif")


# --- what it looks like -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "4", "8", "palette of 1 bit", "palette of 8 bits", "colours"])
@pytest.mark.parametrize("compression", ["none", "lzw"])
def test_intensities_are_what_a_file_looks_like(tmp_path, mode, compression):
    stored, tags, labels = MODES[mode]
    tiffs.write(tmp_path / "a.tif", stored, compression=compression, **tags)
    found, _ = read_intensities({"zyx": str(tmp_path / "a.tif")}, "grey")
    looks = {
        "1": TWO * 255, "4": STACK * 17, "8": STACK, "colours": GREYS[STACK],
        "palette of 1 bit": BRIGHT[labels], "palette of 8 bits": BRIGHT[labels],
    }  # fmt: skip
    np.testing.assert_array_equal(found["zyx"].array, looks[mode])


def test_an_index_beyond_the_palette_is_damage():
    with pytest.raises(UserError, match="beyond its 3 colours"):
        as_it_looks(RawImage(np.array([[3]], np.uint8), "a.png", palette=COLORS))
