"""Metadata that claim what can't be: one sentence, at once, whatever it is opened for."""

import json
import math
import time

import numpy as np
import pytest

from mesofuse.cli.main import main
from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume


@pytest.fixture
def volume(tmp_path):
    made = LabelVolume.create(tmp_path / "v.zarr", Grid((4, 4, 4)), default_phases(2), chunks=4)
    made.write(made.grid.region, np.arange(64, dtype=np.uint8).reshape(4, 4, 4) % 2)
    made.sort_digests()
    return tmp_path / "v.zarr"


def edited(volume, change, which="0/zarr.json"):
    about = json.loads((volume / which).read_text())
    change(about)
    (volume / which).write_text(json.dumps(about))


def foreign(about):
    del about["attributes"]["mesofuse"]


def shaped(shape, chunk=None):
    def change(about):
        about["shape"] = shape
        if chunk:
            about["chunk_grid"]["configuration"]["chunk_shape"] = chunk

    return change


HUGE = 10**21
ARRAYS = {
    "no voxel": shaped([4, 0, 4]),
    "no chunk": shaped([4, 4, 4], [4, 0, 4]),
    "half a voxel": shaped([4, 1.5, 4]),
    "negative": shaped([4, -4, 4]),
    "text": shaped([4, "4", 4]),
    "endless": shaped([HUGE, HUGE, HUGE]),
    "many units": shaped([100000, 100000, 4], [4, 4, 4]),
    "gigantic chunk": shaped([4, 4, 4], [HUGE, HUGE, HUGE]),
    "large chunk": shaped([1 << 20] * 3, [1 << 20] * 3),
    "two axes": shaped([4, 4]),
    "no shape": lambda a: a.pop("shape"),
    "null shape": lambda a: a.update(shape=None),
    "unknown codec": lambda a: a.update(codecs=[{"name": "lossless-dream", "configuration": {}}]),
    "codecs are text": lambda a: a.update(codecs="zstd"),
    "no codecs": lambda a: a.update(codecs=[]),
    "unknown type": lambda a: a.update(data_type="uint7"),
    "struct type": lambda a: a.update(data_type={"name": "struct", "configuration": {}}),
    "text type": lambda a: a.update(data_type="string"),
    "unknown grid": lambda a: a["chunk_grid"].update(name="hexagonal"),
    "unknown keys": lambda a: a["chunk_key_encoding"].update(name="morse"),
    "format 9": lambda a: a.update(zarr_format=9),
    "other node": lambda a: a.update(node_type="tree"),
    "a list": lambda a: a.update(chunk_grid=[]),
    "fill": lambda a: a.update(fill_value="many"),
}


def ends(argv, capsys):
    """Run a command and return how it ended and what it said, within a few seconds."""
    began = time.monotonic()
    code = main([str(word) for word in argv])
    assert time.monotonic() - began < 20
    said = capsys.readouterr().err
    assert "mesofuse itself failed" not in said
    return code, said


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("command", ["info", "check", "export"])
def test_arrays(volume, tmp_path, capsys, name, own, command):
    edited(volume, ARRAYS[name])
    if not own:
        edited(volume, foreign, "zarr.json")
    code, said = ends([command, volume, *([tmp_path / "out.tif"] if command == "export" else [])], capsys)
    assert code == 2, said
    assert said.count("\n") == 1
    assert "v.zarr" in said


def scale(values):
    def change(about):
        about["attributes"]["ome"]["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"] = values

    return change


def label(part, value):
    def change(about):
        about["attributes"]["ome"]["image-label"][part] = value

    return change


SIZES = {
    "zero": scale([1, 0, 1]),
    "negative": scale([1, -2, 1]),
    "infinite": scale([1, math.inf, 1]),
    "not a number": scale([1, math.nan, 1]),
    "enormous": scale([1, 1e400, 1]),
    "text": scale([1, "wide", 1]),
    "null": scale(None),
    "two": scale([1, 1]),
    "no datasets": lambda a: a["attributes"]["ome"]["multiscales"][0].update(datasets=[]),
    "no multiscales": lambda a: a["attributes"]["ome"].update(multiscales={}),
    "datasets of numbers": lambda a: a["attributes"]["ome"]["multiscales"][0].update(datasets=[1, 2]),
    "path upwards": lambda a: a["attributes"]["ome"]["multiscales"][0]["datasets"][0].update(path="../../v.zarr/0"),
    "axes of numbers": lambda a: a["attributes"]["ome"]["multiscales"][0].update(axes=[1, 2, 3]),
    "translation": lambda a: a["attributes"]["ome"]["multiscales"][0]["datasets"][0]["coordinateTransformations"][
        1
    ].update(translation=[math.nan, 0, 0]),
}


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("name", SIZES)
def test_grids(volume, capsys, name, own):
    edited(volume, SIZES[name], "zarr.json")
    if not own:
        edited(volume, foreign, "zarr.json")
    code, said = ends(["info", volume], capsys)
    assert code == 2, said
    assert said.count("\n") == 1


PHASES = {
    "no label-value": label("properties", [{"name": "pore"}, {"name": "solid"}]),
    "text label-value": label("properties", [{"label-value": "zero", "name": "pore"}]),
    "colour without value": label("colors", [{"rgba": [1, 2, 3, 4]}]),
    "colour of text": label("colors", [{"label-value": "red", "rgba": [1, 2, 3, 4]}]),
    "colours of text": label("colors", [{"label-value": 0, "rgba": "none"}]),
    "twice": label("properties", [{"label-value": 0, "name": "a"}, {"label-value": 0, "name": "b"}]),
    "nested names": label("properties", [{"label-value": 0, "name": {"a": 1}}, {"label-value": 1, "name": ["x"]}]),
    "boolean values": label("properties", [{"label-value": False, "name": "a"}, {"label-value": True, "name": "b"}]),
    "properties of text": label("properties", "pore"),
    "colors of a number": label("colors", 7),
    "not a mapping": lambda a: a["attributes"]["ome"].update({"image-label": []}),
}


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("name", PHASES)
def test_phases_that_are_not_described_well_are_described_by_default_or_refused(volume, capsys, name, own):
    edited(volume, PHASES[name], "zarr.json")
    if not own:
        edited(volume, foreign, "zarr.json")
    code, said = ends(["info", volume], capsys)
    assert (code == 0) or (code == 2 and said.count("\n") == 1), said
    if code == 0:
        opened = LabelVolume.open(volume)
        assert [p.value for p in opened.phases] == [0, 1]
        assert all(isinstance(p.name, str) for p in opened.phases)


@pytest.mark.parametrize("text", ['{"a":' * 100_000, "[" * 100_000, "{", "", "null", "[]", "7", '"x"', "\xff\xfe"])
@pytest.mark.parametrize("which", ["zarr.json", "0/zarr.json"])
@pytest.mark.parametrize("command", ["info", "import"])
def test_json(volume, tmp_path, capsys, text, which, command):
    (volume / which).write_text(text, encoding="latin-1")
    more = [tmp_path / "out.zarr"] if command == "import" else []
    code, said = ends([command, volume, *more], capsys)
    assert code == 2, said
    assert said.count("\n") == 1


def test_a_sparse_foreign_volume_is_read_by_what_is_stored(volume):
    """An empty chunk is not stored by other software; a volume of them is opened without looking for each."""
    edited(volume, shaped([4 << 10, 4 << 10, 16]))
    edited(volume, foreign, "zarr.json")
    began = time.monotonic()
    opened = LabelVolume.open(volume)
    assert time.monotonic() - began < 20
    assert len(opened.phases) == 2


def test_a_name_that_leads_out_of_a_zip_is_not_followed(volume, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.writestr("../../escaped", "x")
        for name in ("zarr.json", "0/zarr.json", "0/c/0/0/0"):
            archive.write(volume / name, name)
    opened = LabelVolume.open(tmp_path / "v.zip")
    assert opened.read(opened.grid.region).sum() == 32
    assert not list(tmp_path.parent.rglob("escaped"))


def test_what_is_no_zip_of_a_volume(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(UserError, match=r"no zarr\.json"):
        LabelVolume.open(tmp_path / "v.zip")
