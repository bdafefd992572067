import struct

import numpy as np
import pytest
import tifffile

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import read_raw
from mesofuse.volumes.formats.tiff_chain import check_chain

PAGES = np.random.default_rng(0).integers(0, 2, (130, 6, 8), dtype=np.uint8)


def chain(path):
    """Return where each directory's pointer to the next lies, and where each directory lies, of a classic TIFF."""
    data = path.read_bytes()
    pointers, found = [4], [struct.unpack("<I", data[4:8])[0]]
    while found[-1]:
        count = struct.unpack("<H", data[found[-1] : found[-1] + 2])[0]
        pointers.append(found[-1] + 2 + 12 * count)
        found.append(struct.unpack("<I", data[pointers[-1] : pointers[-1] + 4])[0])
    return pointers, found[:-1]


def relinked(path, page, target):
    """Let a page's directory name another one as the next."""
    pointers, _ = chain(path)
    data = bytearray(path.read_bytes())
    data[pointers[page + 1] : pointers[page + 1] + 4] = struct.pack("<I", target)
    path.write_bytes(data)


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}])
def test_whole_chains_pass(options, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PAGES, photometric="minisblack", compression="zlib", **options)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        check_chain(tif)
    assert read_raw(tmp_path / "a.tif").array.shape == PAGES.shape


@pytest.mark.parametrize(("page", "back"), [(0, 0), (4, 2), (120, 110), (129, 0)])
def test_a_circle_is_refused_at_once(page, back, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PAGES, photometric="minisblack", compression="zlib")
    relinked(path, page, chain(path)[1][back])
    with pytest.raises(UserError, match=r"a\.tif.*runs in a circle"):
        read_raw(path)


def test_a_chain_that_leads_out_of_the_file_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PAGES, photometric="minisblack", compression="zlib")
    relinked(path, 5, path.stat().st_size + 10)
    with pytest.raises(UserError, match=r"a\.tif.*leads out of the file after page 7"):
        read_raw(path)


@pytest.mark.parametrize("kind", [{}, {"imagej": True}, {"ome": True}])
def test_a_description_that_says_another_number_of_planes_is_refused(kind, tmp_path):
    path = tmp_path / "a.tif"
    packing = None if "imagej" in kind else "zlib"
    tifffile.imwrite(path, PAGES[:5], photometric="minisblack", compression=packing, metadata={"axes": "ZYX"}, **kind)
    data = path.read_bytes()
    for text in (b"[%d, 6, 8]", b"images=%d", b"slices=%d", b'SizeZ="%d"'):
        data = data.replace(text % 5, text % 4)
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"a\.tif (describes itself as|is a damaged TIFF|is not a TIFF)"):
        read_raw(path)


def test_a_cut_description_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PAGES[:5], photometric="minisblack", ome=True)
    path.write_bytes(path.read_bytes().replace(b"</OME>", b"</OM\0\0"))
    with pytest.raises(UserError, match=r"a\.tif.*OME-XML that describes it is cut off"):
        read_raw(path)
