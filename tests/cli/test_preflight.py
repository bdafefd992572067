from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from mesofuse.cli.main import main


def field(shape, length, seed):
    return (gaussian_filter(np.random.default_rng(seed).standard_normal(shape), length, mode="wrap") > 0).astype(
        np.uint8
    )


@pytest.fixture
def files(tmp_path):
    image = field((384, 384), 6, 1)
    image[(image == 0) & (np.random.default_rng(2).random(image.shape) < 0.2)] = 2
    tifffile.imwrite(tmp_path / "scan.tif", field((64, 64, 64), 1.5, 0) * 128, photometric="minisblack")
    tifffile.imwrite(tmp_path / "sem.tif", image, photometric="minisblack")
    return [
        "preflight", "--low-res", str(tmp_path / "scan.tif"), "--high-res", str(tmp_path / "sem.tif"),
        "--phases", "pore,active,binder", "--shows", "0=pore,binder", "--shows", "1=active",
    ]  # fmt: skip


def test_right_scale(files, capsys):
    assert main([*files, "--scale", "4", "--strict"]) == 0
    captured = capsys.readouterr()
    out = " ".join(captured.out.split())
    assert "Warning" not in out
    assert "stated scale factor 4" in out
    assert "pore + binder" in out
    assert "128→1" in captured.err


def test_wrong_scale_warns_and_strict_fails(files, capsys):
    assert main([*files, "--scale", "8"]) == 0
    assert "Warning scale-factor" in " ".join(capsys.readouterr().out.split())
    assert main([*files, "--scale", "8", "--strict"]) == 1


def test_json(files, capsys):
    assert main([*files, "--scale", "8,8,8", "--json"]) == 0
    checks = {c["name"]: c for c in json.loads(capsys.readouterr().out)["checks"]}
    assert set(checks) == {"phase-fractions", "scale-factor", "image-size", "isotropy", "image-patterns"}
    assert checks["scale-factor"]["status"] == "warning"
    assert checks["scale-factor"]["numbers"]["best"] == pytest.approx([4] * 3, rel=0.1)
    assert checks["image-size"]["numbers"]["binder"]["error_95"] > 0


def test_users_mistakes(files, tmp_path, capsys):
    def fails(*args):
        assert main(list(args)) == 2
        error = capsys.readouterr().err
        assert "Traceback" not in error
        return error

    assert "scale" in fails(*files, "--scale", "none")
    assert "--scale" in fails(*files)
    assert "does not exist" in fails("preflight", "--low-res", str(tmp_path / "no.tif"), *files[3:], "--scale", "4")
    assert "Did you mean 'binder'" in fails(
        *files[:-4], "--shows", "0=pore,bindr", "--shows", "1=active", "--scale", "4"
    )
    assert "must be a volume" in fails("preflight", "--low-res", files[4], *files[3:], "--scale", "4")


def test_fuse_checks_first_and_keeps_the_outcome(tmp_path, capsys):
    tifffile.imwrite(tmp_path / "scan.tif", field((24, 24, 24), 1.5, 0), photometric="minisblack")
    tifffile.imwrite(tmp_path / "sem.tif", field((256, 256), 12, 1), photometric="minisblack")
    out = tmp_path / "run"
    inputs = ["--low-res", str(tmp_path / "scan.tif"), "--high-res", str(tmp_path / "sem.tif"), "--scale", "2"]
    assert main(["fuse", *inputs, "--method", "interpolation", "--out", str(out)]) == 0
    errors = capsys.readouterr().err
    assert "Warning: The structures of scan and image are not of one size at the stated scale factor 2" in errors
    kept = json.loads((out / "metrics.json").read_text("utf-8"))["preflight"]
    assert main(["preflight", *inputs, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == kept
