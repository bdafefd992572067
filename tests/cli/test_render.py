from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from mesofuse.cli.main import main
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (32, 32, 32)).astype(np.uint8)
    grid = Grid(labels.shape, (0.1,) * 3, "micrometer")
    volume = LabelVolume.create(tmp_path / "fused.zarr", grid, default_phases(3, ["pore", "active", "binder"]))
    volume.write(Region.whole(labels.shape), labels)
    tifffile.imwrite(tmp_path / "scan.tif", (labels[::4, ::4, ::4] == 1).astype(np.uint8) * 128)
    tifffile.imwrite(tmp_path / "sem.tif", rng.integers(0, 3, (48, 48)).astype(np.uint8))
    return tmp_path


def render(files: Path, *arguments: str) -> int:
    return main(["render", str(files / "fused.zarr"), *arguments])


def test_draws_all_three(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = files / "figure.png"
    inputs = ("--low-res", str(files / "scan.tif"), "--image", str(files / "sem.tif"))
    assert render(files, str(out), *inputs, "--axis", "2", "--index", "5") == 0
    with Image.open(out) as opened:
        assert opened.width > 3 * 512
    assert "figure.png" in capsys.readouterr().err


def test_an_existing_file_is_kept_unless_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = files / "figure.png"
    out.write_text("mine")
    assert render(files, str(out)) == 2
    assert out.read_text() == "mine"
    assert "--overwrite" in capsys.readouterr().err
    assert render(files, str(out), "--overwrite") == 0
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("figure.bmp",), "must end in"),
        (("figure.png", "--index", "32"), "from 0 to 31"),
        (("figure.png", "--axis", "3"), "--axis"),
        (("figure.png", "--low-res", "none.tif"), "none.tif"),
        (("figure.png", "--phases", "a,b,c,d"), "phase names"),
    ],
)
def test_mistakes_are_one_sentence(
    files: Path, arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(files.iterdir())
    assert render(files, str(files / arguments[0]), *arguments[1:]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert sorted(files.iterdir()) == before


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example:\n" in text
    assert "\\b" not in text
