from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mesofuse.errors import UserError
from mesofuse.figures import montage as module
from mesofuse.figures.montage import compared, images_below, montage, overview
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import Phase, default_phases

SCAN = Grid((16, 20, 24), (0.4,) * 3, "micrometer")
FINE = SCAN.refined((4, 4, 4))


@dataclass
class Watched:
    """Labels that note how many voxels are read."""

    array: np.ndarray
    grid: Grid
    phases: tuple[Phase, ...] = default_phases(3, ["pore", "active", "binder"])
    read_voxels: list[int] = field(default_factory=list)

    def read(self, region: Region) -> np.ndarray:
        self.read_voxels.append(region.size)
        return self.array[region.slices]


def scan() -> LabelArray:
    labels = np.random.default_rng(0).integers(0, 2, SCAN.shape).astype(np.uint8)
    return LabelArray(labels, SCAN, default_phases(2))


def result() -> Watched:
    """The scan's voxels made finer, so that both show the same picture."""
    return Watched(scan().array.repeat(4, 0).repeat(4, 1).repeat(4, 2), FINE)


def image(size: int = 40) -> LabelArray:
    labels = np.full((2, size, size), 2, np.uint8)
    return LabelArray(labels, Grid(labels.shape, (1, 0.1, 0.1), "micrometer"), default_phases(3))


@pytest.mark.parametrize(("axis", "index"), [(0, None), (1, 3), (2, 95)])
def test_scan_and_result_show_the_same_place(axis: int, index: int | None) -> None:
    low, high, _ = compared(scan(), result(), image(), axis, index)
    assert low.picture.box == high.picture.box
    assert high.picture.labels.shape == (40, 40)
    left, right, bottom, top = low.picture.extent
    fine = low.picture.labels.repeat(4, 0).repeat(4, 1)
    x, y = ((high.picture.extent[i] - start) / 0.1 for i, start in ((0, left), (3, top)))
    assert (right - left, bottom - top) == pytest.approx([n / 10 for n in fine.shape[::-1]])
    assert np.array_equal(fine[round(y) : round(y) + 40, round(x) : round(x) + 40], high.picture.labels)


def test_all_panels_have_one_field_of_view() -> None:
    panels = compared(scan(), result(), image(30), 0)
    assert {(round(p.picture.box.height, 9), round(p.picture.box.width, 9)) for p in panels} == {(3.0, 3.0)}
    assert [p.title for p in panels] == [
        "Scan, voxels of 0.4 µm", "Result, voxels of 0.1 µm", "Image, voxels of 0.1 µm",
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_only_the_slices_shown_are_read(tmp_path: Path, suffix: str) -> None:
    high = result()
    out = tmp_path / f"figure{suffix}"
    montage(out, low_res=scan(), result=high, image=image())
    assert high.read_voxels == [40 * 40, 80 * 96, 64 * 96, 64 * 80]
    assert [p.name for p in tmp_path.iterdir()] == [out.name]
    assert out.read_bytes()[:5] in (b"\x89PNG\r", b"%PDF-", b"<?xml")


def test_pixels_are_the_phases_colours(tmp_path: Path) -> None:
    out = tmp_path / "figure.png"
    out.write_text("an old one")
    # A field of 64 voxels: eight dots a voxel. The picture begins 28 dots from the left and 76 from the top.
    labels = np.zeros((2, 64, 64), np.uint8)
    labels[1, 0, :], labels[1, :, 63], labels[1, 32, 32] = 1, 2, 2
    phases = (Phase(0, "pore", "#ff0000"), Phase(1, "active", "#00ff00"), Phase(2, "binder", "#0000ff"))
    montage(out, low_res=None, result=LabelArray(labels, Grid((2, 64, 64)), phases), image=None)
    with Image.open(out) as opened:
        assert opened.info["dpi"] == pytest.approx((200, 200), abs=0.1)
        pixels = np.asarray(opened.convert("RGB"))
    indent = (pixels.shape[1] - 512) // 2
    shown = pixels[76 + 4 : 76 + 512 : 8, indent + 4 : indent + 512 : 8]
    truth = np.array([phase.rgb for phase in phases])[labels[1]]
    away = np.ones((64, 64), bool)
    away[50:, :24] = False  # the scale bar
    assert np.array_equal(shown[away], truth[away])


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf"):
        montage(tmp_path / name, low_res=None, result=result(), image=None)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_large_and_flat_results() -> None:
    flat = LabelArray(np.zeros((1, 1500, 300), np.uint8), Grid((1, 1500, 300)), default_phases(2))
    (panel,) = compared(None, flat, None)
    assert panel.picture.labels.shape == (256, 256)
    (whole,) = overview(flat, 0, panel.picture.box)
    assert whole.picture.labels.shape == (1024, 300)
    assert whole.inset == panel.picture.box


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "figure.jpg"}, r"must end in \.png, \.pdf, \.svg"),
        ({"axis": 3}, "no axis 3"),
        ({"index": 64}, "give one from 0 to 63"),
        ({"index": -1}, "no slice -1"),
        ({"low_res": LabelArray(scan().array, Grid(SCAN.shape, (0.4,) * 3, "micrometer", (50.0, 0, 0)), scan().phases)},
         "does not reach"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    arguments = {"path": "figure.png", "low_res": None, "result": result(), "image": None, **changes}
    path = tmp_path / str(arguments.pop("path"))
    with pytest.raises(UserError, match=message):
        montage(path, **arguments)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_images_for_several_directions_stand_below_the_planes_they_show(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def volume(shape: tuple[int, int, int]) -> LabelArray:
        return LabelArray(rng.integers(0, 3, shape, dtype=np.uint8), Grid(shape), default_phases(3))

    result = volume((24, 30, 36))
    rods, spots = volume((2, 20, 20)), volume((1, 200, 16))
    images = (rods, rods, spots)
    lower = overview(result, 0, compared(None, result, rods)[0].picture.box)
    below = images_below(lower, images)
    assert [panel.title for panel in below] == [f"Image normal to {axis}" for axis in "zyx"]
    assert below[0].picture.labels.shape == (20, 20)
    assert below[2].picture.labels.shape == (24, 16)  # cut to the plane's own height
    montage(tmp_path / "one.png", low_res=None, result=result, image=rods)
    montage(tmp_path / "all.png", low_res=None, result=result, image=images)
    montage(tmp_path / "same.png", low_res=None, result=result, image=(rods,) * 3)
    heights = [Image.open(tmp_path / f"{name}.png").height for name in ("one", "all", "same")]
    assert heights[0] == heights[2] < heights[1]


@pytest.mark.parametrize("shape", [(16, 300, 300), (300, 24, 24), (300, 300, 16), (624, 300, 300)])
def test_no_two_titles_or_panels_overlap_in_flat_and_tall_volumes(shape, tmp_path, monkeypatch) -> None:
    figures = []
    build = module._figure
    monkeypatch.setattr(module, "_figure", lambda groups: figures.append(build(groups)) or figures[-1])
    volume = LabelArray(np.zeros(shape, np.uint8), Grid(shape, (0.1234,) * 3, "micrometer"), default_phases(2))
    montage(tmp_path / "a.png", low_res=None, result=volume, image=(image(30), image(30), image(500)))
    (figure,) = figures
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    assert len(boxes) == 2 * 2 + 3 + 3  # two panels with shares, three planes, three images
    for i, one in enumerate(boxes):
        assert one.x0 >= 0
        assert one.x1 <= figure.bbox.width
        for other in boxes[i + 1 :]:
            assert min(one.x1, other.x1) <= max(one.x0, other.x0) or min(one.y1, other.y1) <= max(one.y0, other.y0)


@pytest.mark.parametrize("shape", [(1, 20, 400), (1, 400, 20), (3, 40, 400), (1, 16, 900)])
def test_all_of_a_strip_is_drawn_and_the_numbers_are_its_own(shape: tuple[int, int, int], tmp_path: Path) -> None:
    rows, columns = shape[1:]
    labels = np.zeros(shape, np.uint8)
    labels[:, rows // 2 :, columns // 2 :] = 1
    strip = LabelArray(labels, Grid(shape), default_phases(2))
    (panel,) = compared(None, strip, None)
    assert panel.part == f"all {rows} × {columns} voxels"
    assert np.array_equal(panel.picture.labels, labels[shape[0] // 2])
    long = min(1024, 2 * max(rows, columns)) if max(rows, columns) > 256 else 512
    montage(tmp_path / "a.png", low_res=None, result=strip, image=None)
    with Image.open(tmp_path / "a.png") as opened:
        pixels = np.asarray(opened.convert("RGB"))
    wide, high = (round(n * long / max(rows, columns)) for n in (columns, rows))
    indent = (pixels.shape[1] - wide) // 2
    assert (pixels[76 + high // 4, indent + wide // 4] == strip.phases[0].rgb).all()
    assert (pixels[76 + 3 * high // 4, indent + wide - 4] == strip.phases[1].rgb).all()
    below = pixels[76 + high + 2 : 76 + high + 46]
    assert (below == 0).all(axis=-1).any()  # the scale bar stands below the picture, which it would fill


def test_what_is_shown_of_a_large_plane_is_said() -> None:
    large = LabelArray(np.zeros((1, 1500, 300), np.uint8), Grid((1, 1500, 300)), default_phases(2))
    (panel,) = compared(None, large, None)
    assert panel.part == "256 × 256 of 1500 × 300 voxels"


def test_names_are_drawn_as_they_are(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    names = [r"$\frac{", "_hidden"]
    labels = np.zeros((1, 40, 40), np.uint8)
    labels[0, 20:] = 1
    plain = LabelArray(labels, Grid(labels.shape), default_phases(2, names))
    montage(tmp_path / "a.png", low_res=None, result=plain, image=None)
    montage(tmp_path / "b.png", low_res=None, result=replace(plain, phases=default_phases(2, names[:1])), image=None)
    assert not recwarn.list
    with Image.open(tmp_path / "a.png") as a, Image.open(tmp_path / "b.png") as b:
        legends = [np.asarray(one.convert("L"))[-80:] for one in (a, b)]
    assert not np.array_equal(*legends)  # the name with an underscore stands there
    assert (legends[0] < 128).sum() > 100
