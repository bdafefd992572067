import json

import pytest

from mesofuse.cli.main import main
from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats.zarr import copy, pack


@pytest.fixture
def path(tmp_path):
    copy(blobs((20, 18, 17), 3, seed=1), str(tmp_path / "v.zarr"), chunks=8).build_levels(2)
    return tmp_path / "v.zarr"


def test_a_whole_volume_is_0(path, capsys):
    assert main(["check", str(path), "--deep", "--quiet"]) == 0
    assert (
        capsys.readouterr().out
        == f"{path} is whole: 35 chunks and shards read, all of them held against their SHA-256.\n"
    )


def test_a_damaged_one_is_1_and_says_what_and_where(path, capsys):
    (path / "0/c/1/2/0").write_bytes(b"")
    assert main(["check", str(path), "--quiet"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("0/c/1/2/0 (region 8:16,16:18,0:8) can't be decoded (UnusableFile: 0/c/1/2/0 is empty")
    assert "is not whole: 1 damaged" in out[1]
    assert out[2].startswith("What mends it: ")


def test_json(path, capsys):
    (path / "0/c/1/2/0").unlink()
    assert main(["check", str(path), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["whole"] is False
    assert said["damaged"] == [{"array": "0", "file": "0/c/1/2/0", "region": "8:16,16:18,0:8", "reason": "is missing"}]


def test_a_zip_is_checked_too(path, tmp_path, capsys):
    pack(str(path), str(tmp_path / "v.zip"))
    assert main(["check", str(tmp_path / "v.zip"), "-q"]) == 0
    (path / "1/c/0/0/1").write_bytes(b"")
    pack(str(path), str(tmp_path / "w.zip"))
    assert main(["check", str(tmp_path / "w.zip"), "-q"]) == 1
    assert "1/c/0/0/1" in capsys.readouterr().out


def test_no_volume_is_2(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.zarr")]) == 2
    (tmp_path / "empty.zarr").mkdir()
    assert main(["check", str(tmp_path / "empty.zarr")]) == 2
    assert capsys.readouterr().err.count("Error: ") == 2
