"""Every command reads a file in the same way, whatever program saved it."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from mesofuse.cli.main import main
from mesofuse.volumes.grid import Region
from mesofuse.volumes.store.labels import LabelVolume
from tests.volumes import tiffs

STACK = np.random.default_rng(0).choice(3, (4, 40, 40), p=(0.5, 0.4, 0.1)).astype(np.uint8)
TWO = (STACK > 0).astype(np.uint8)


def appended(folder):
    for plane in STACK:
        tifffile.imwrite(folder / "a.tif", plane, append=True)
    return folder / "a.tif", STACK


def with_opacity(folder):
    tiffs.write(folder / "a.tif", np.stack([STACK, np.full_like(STACK, 255)], -1), extra=[2], compression="lzw")
    return folder / "a.tif", STACK


def tagged_as_colours(folder):
    tifffile.imwrite(folder / "a.tif", STACK)  # 4 slices: RGBA to tifffile
    return folder / "a.tif", STACK


def one_bit(compression):
    def write(folder):
        tiffs.write(folder / "a.tif", TWO, bits=1, compression=compression)
        return folder / "a.tif", TWO

    return write


def folder_of_bits(folder):
    for i, plane in enumerate(TWO):
        Image.fromarray(plane > 0).save(folder / f"{i}.png")
    return folder, TWO


FILES = {
    "appended pages": appended, "grey and opacity": with_opacity, "slices as colours": tagged_as_colours,
    "1 bit, G4": one_bit("g4"), "1 bit, LZW": one_bit("lzw"), "folder of 1 bit": folder_of_bits,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", FILES)
def test_all_commands_see_the_same_labels(tmp_path, capsys, kind):
    (tmp_path / "in").mkdir()
    path, labels = FILES[kind](tmp_path / "in")
    shares = (np.bincount(labels.ravel()) / labels.size).tolist()
    assert main(["info", "--json", str(path)]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["shape"] == list(labels.shape)
    assert [p["fraction"] for p in about["phases"]] == pytest.approx(shares)
    assert main(["measure", str(path), "--metrics", "volume-fraction", "--json", str(tmp_path / "m.json")]) == 0
    (measured,) = json.loads((tmp_path / "m.json").read_text())["volumes"]
    assert [r["value"] for r in measured["results"]] == pytest.approx(shares)
    assert main(["import", str(path), str(tmp_path / "v.zarr")]) == 0
    volume = LabelVolume.open(str(tmp_path / "v.zarr"))
    np.testing.assert_array_equal(volume.read(Region.whole(labels.shape)), labels)
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, labels, photometric="minisblack")
    scans = [tmp_path / "a.npy", tmp_path / "b.npy"]
    for source, out in zip((path, plain), scans, strict=True):
        assert main(["degrade", str(source), str(out), "--scale", "2"]) == 0
    np.testing.assert_array_equal(np.load(scans[0]), np.load(scans[1]))


def stray(folder):
    labels = STACK[0] * np.uint8(127)
    labels[3, 3] = 64
    Image.fromarray(labels).save(folder / "a.png")
    return folder / "a.png", "64 in 1 voxel (0.062 %)"


def burnt_in(folder):
    labels = STACK[0].copy()
    labels[35:38, 10:34] = 255
    Image.fromarray(labels).save(folder / "a.png")
    return folder / "a.png", "255 in 72 voxels (4.50 %)"


def jpeg(quality):
    def write(folder):
        blocks = np.kron(STACK[0, :12, :12], np.ones((8, 8), np.uint8)) * np.uint8(127)
        Image.fromarray(np.roll(blocks, 3, (0, 1))).save(folder / "a.jpg", quality=quality)
        return folder / "a.jpg", "JPEG has blurred its labels"

    return write


def resized(folder):
    blocks = Image.fromarray(np.kron(STACK[0, :12, :12], np.ones((8, 8), np.uint8)) * np.uint8(127))
    blocks.resize((144, 144), Image.Resampling.BILINEAR).save(folder / "a.png")
    return folder / "a.png", "as interpolation leaves them"


BAD = {"stray": stray, "bar": burnt_in, "95": jpeg(95), "98": jpeg(98), "100": jpeg(100), "resized": resized}


@pytest.mark.parametrize("kind", BAD)
def test_all_commands_refuse_what_would_shift_names_or_is_no_label(tmp_path, capsys, kind):
    path, said = BAD[kind](tmp_path)
    tifffile.imwrite(tmp_path / "scan.tif", TWO, photometric="minisblack")
    scan, names = ["--low-res", str(tmp_path / "scan.tif")], ["--phases", "a,b,c"]
    for command in (
        ["measure", str(path), *names],
        ["import", str(path), str(tmp_path / "v.zarr"), *names],
        ["preflight", *scan, "--high-res", str(path), "--scale", "4", *names],
        ["fuse", *scan, "--high-res", str(path), "--scale", "4", *names, "--out", str(tmp_path / "run")],
        ["render", str(path), str(tmp_path / "a.pdf"), *names],
    ):
        assert main(command) == 2, command
        assert said in " ".join(capsys.readouterr().err.split())
    assert {p.name for p in tmp_path.iterdir()} == {path.name, "scan.tif"}
