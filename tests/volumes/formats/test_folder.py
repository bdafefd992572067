import numpy as np
import pytest
import tifffile
from PIL import Image

from mesofuse.errors import UserError
from mesofuse.volumes.formats.folder import natural_key, read, write
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labelling import to_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import Phase, default_phases

STACK = np.random.default_rng(0).integers(0, 3, (12, 5, 7), dtype=np.uint8)


def test_planes_come_in_natural_order(tmp_path):
    for i, plane in enumerate(STACK):
        Image.fromarray(plane).save(tmp_path / f"slice{i}.png")
    (tmp_path / "readme.txt").write_text("not a plane")
    (tmp_path / ".hidden.png").write_text("nor this")
    np.testing.assert_array_equal(read(str(tmp_path)).array, STACK)
    assert sorted(["a10", "a9", "b1", "A2"], key=natural_key) == ["A2", "a9", "a10", "b1"]


def test_written_planes_sort_alike_by_name_and_by_number(tmp_path):
    write(LabelArray(STACK, Grid(STACK.shape), default_phases(3)), str(tmp_path / "a"))
    names = [f.name for f in (tmp_path / "a").iterdir()]
    assert sorted(names) == sorted(names, key=natural_key) == [f"z{i:04d}.png" for i in range(12)]


@pytest.mark.parametrize("colors", [(), ("#f2f2f2", "#0072b2", "#1b1b1b")])
def test_what_is_exported_is_read_back_with_its_labels_and_colours(tmp_path, colors):
    stack = STACK.copy()
    stack[1] = 2 * (stack[1] > 0)  # a slice without phase 1
    stack[2] = 1  # a slice of phase 1 alone
    phases = tuple(
        Phase(p.value, p.name, c) for p, c in zip(default_phases(3), colors, strict=False)
    ) or default_phases(3)
    write(LabelArray(stack, Grid(stack.shape), phases), str(tmp_path / "a"))
    labels, mapping = to_labels(read(str(tmp_path / "a")))
    np.testing.assert_array_equal(labels.array, stack)
    assert labels.phases == phases
    assert (mapping.changed, mapping.notes) == (False, ())


def test_the_size_in_the_plane_comes_from_tiffs(tmp_path):
    for i in range(3):
        tifffile.imwrite(
            tmp_path / f"{i}.tif", STACK[i], resolution=(50000, 25000), resolutionunit="CENTIMETER", metadata=None
        )
    raw = read(str(tmp_path))
    assert (raw.voxel_size[1:], raw.unit) == (pytest.approx((0.4, 0.2)), "micrometer")


@pytest.mark.parametrize("odd", [STACK[0, :4], STACK[0].astype(np.uint16)])
def test_planes_that_are_not_alike_are_named(tmp_path, odd):
    tifffile.imwrite(tmp_path / "0.tif", STACK[0])
    tifffile.imwrite(tmp_path / "1.tif", odd)
    with pytest.raises(UserError, match=r"not alike: 1\.tif is .*, but 0\.tif is \(5, 7\) uint8"):
        read(str(tmp_path))


def test_empty_folders_stacks_and_broken_planes_are_one_sentence(tmp_path):
    with pytest.raises(UserError, match="folder without images"):
        read(str(tmp_path))
    tifffile.imwrite(tmp_path / "0.tif", STACK)
    with pytest.raises(UserError, match=r"0\.tif has the shape \(12, 5, 7\)"):
        read(str(tmp_path))
    (tmp_path / "0.tif").write_bytes(b"")
    with pytest.raises(UserError, match=r"0\.tif is an empty file"):
        read(str(tmp_path))
