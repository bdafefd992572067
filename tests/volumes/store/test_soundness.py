import json

import numpy as np
import pytest

from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats.zarr import copy
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.store.soundness import inspect


@pytest.fixture
def path(tmp_path):
    volume = copy(blobs((20, 18, 17), 3, seed=1), str(tmp_path / "v.zarr"), chunks=8)
    volume.build_levels(3)
    return tmp_path / "v.zarr"


def test_a_whole_volume(path, tmp_path):
    seen = []
    found = inspect(str(path), deep=True, watch=lambda name, done, total: seen.append((name, done, total)))
    assert found.whole
    assert found.units == found.noted == 27 + 8 + 1
    assert (found.damaged, found.strays, found.mends) == ((), (), "")
    assert ("0", 27, 27) in seen
    assert ("1 against the finer", 8, 8) in seen


@pytest.mark.parametrize("name", ["0/c/1/0/2", "1/c/0/1/0", "2/c/0/0/0"])
@pytest.mark.parametrize("what", ["emptied", "cut", "flipped", "deleted", "swapped", "refilled"])
def test_damage_anywhere_is_found_and_nothing_else(path, name, what):
    file = path / name
    data = file.read_bytes()
    other = path / name.replace("/c/", "/c/")[: -len(name.split("/c/")[1])] / "0/0/0"
    if what == "deleted":
        file.unlink()
    elif what == "swapped":
        if file == other:
            pytest.skip("the only one")
        file.write_bytes(other.read_bytes())
    elif what == "refilled":
        file.write_bytes((path / "0/c/0/0/0").read_bytes() if name[0] != "0" else (path / "1/c/0/0/0").read_bytes())
    else:
        flipped = bytes([*data[:-3], data[-3] ^ 4, *data[-2:]])
        file.write_bytes({"emptied": b"", "cut": data[: len(data) // 2], "flipped": flipped}[what])
    found = inspect(str(path))
    assert not found.whole
    assert [d.key for d in found.damaged] == [name]
    assert found.damaged[0].array == name[0]
    assert json.dumps(found.to_json())


def test_wrong_labels_are_damage(path):
    volume = LabelVolume.open(path, "r+")
    volume.array[0:8, 0:8, 0:8] = 3
    (damage,) = inspect(str(path)).damaged
    assert damage.reason == "holds the value 3, but the volume has 3 phases"
    assert damage.region == "0:8,0:8,0:8"


def test_levels_that_do_not_follow_are_found_when_asked(path):
    volume = LabelVolume.open(path, "r+")
    level = volume.level(1).array
    level[0:8, 0:8, 0:8] = 2 - np.minimum(level[0:8, 0:8, 0:8], 2)
    assert inspect(str(path)).whole
    found = inspect(str(path), deep=True)
    assert {d.reason for d in found.damaged} == {"does not follow from the finer level"}
    assert "0:8,0:8,0:8" in {d.region for d in found.damaged}


def test_torn_metadata_of_a_level_are_found(path):
    (path / "1/zarr.json").write_bytes(b"")
    (damage,) = inspect(str(path)).damaged
    assert damage.array == "1"
    assert "metadata" in damage.reason


def test_what_killed_runs_left_is_listed_and_harms_nothing(path):
    left = [".v.zarr.lock", ".01234567.partial.v.zarr"]
    (path.parent / left[1]).mkdir()
    (path / "0/c/0/0/.1.0123abcd.partial").write_text("half")
    (path / "0/c/9").mkdir()
    (path / "0/c/9/9").write_text("a stranger's")
    found = inspect(str(path))
    assert found.whole
    assert set(found.strays) == {"0/c/0/0/.1.0123abcd.partial", "0/c/9/9", str(path.parent / left[1])}


def test_an_unfinished_volume(tmp_path):
    grid = Grid((8, 8, 8))
    volume = LabelVolume.create(tmp_path / "v.zarr", grid, default_phases(2), chunks=4, provenance={"complete": False})
    volume.write(next(volume.missing()), np.ones((4, 4, 4), np.uint8))
    found = inspect(volume.path)
    assert (found.finished, found.whole, found.unwritten, found.damaged) == (False, False, 7, ())


def test_a_volume_of_before_without_digests_is_decoded(path):
    (path / "SHA256SUMS").unlink()
    found = inspect(str(path))
    assert found.whole
    assert found.noted == 0
    (path / "0/c/1/0/2").write_bytes((path / "0/c/1/0/2").read_bytes()[:-1])
    assert [d.key for d in inspect(str(path)).damaged] == ["0/c/1/0/2"]


def test_what_mends_is_said(tmp_path):
    def said(provenance, **stored):
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.zarr"
        LabelVolume.create(out, Grid((8, 8, 8)), default_phases(2), chunks=4, provenance=provenance, **stored)
        return inspect(str(out)).mends

    assert "restore it from a copy" in said({})
    assert "mesofuse import scan.tif" in said({"made_by": "mesofuse import", "source": "scan.tif"})
    made = {"model": "ab" * 32, "seed": 5, "region": "0:8,0:8,0:8", "periodic": "z", "projection": {"a": 1}}
    made |= {"low_res_sha256": "cd", "versions": {"torch": "2.9"}, "complete": False}
    text = said(made, shards=8)
    words = "--seed 5 --chunks 4 --shards 8 --region 0:8,0:8,0:8 --periodic z --project --resume`"
    assert words in text
    assert "MODEL SCAN" in text
    assert "abababababab" in text
    assert "realisations" in said({"summary_of": [1, 2], "complete": False})
