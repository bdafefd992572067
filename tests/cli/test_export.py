import os

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from mesofuse.cli.export import command
from mesofuse.cli.main import main
from mesofuse.errors import UserError
from mesofuse.volumes.formats.zarr import copy
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labelling import read_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.store.levels import mode_of_blocks

LABELS = np.random.default_rng(0).integers(0, 3, (8, 10, 12), dtype=np.uint8)
GRID = Grid(LABELS.shape, (0.4, 0.5, 0.6), "micrometer")


@pytest.fixture
def volume(tmp_path):
    made = copy(LabelArray(LABELS, GRID, default_phases(3, ("pore", "active", "binder"))), str(tmp_path / "v.zarr"), 4)
    made.build_levels(2)
    return made


def run(*args):
    return CliRunner().invoke(command, [str(a) for a in args], catch_exceptions=False)


def test_import_of_an_export_is_the_same_volume(volume, tmp_path):
    assert run(volume.path, tmp_path / "a.tif").exit_code == 0
    assert main(["import", str(tmp_path / "a.tif"), str(tmp_path / "b.zarr")]) == 0
    again = LabelVolume.open(tmp_path / "b.zarr")
    assert (again.grid, again.phases) == (volume.grid, volume.phases)
    np.testing.assert_array_equal(again.read(GRID.region), LABELS)


def test_a_region_keeps_its_place(volume, tmp_path):
    run(volume.path, tmp_path / "a.tif", "--region", "2:5,:,1:4")
    part, _ = read_labels(tmp_path / "a.tif")
    assert part.grid == GRID.cropped(Region((2, 0, 1), (5, 10, 4)))
    np.testing.assert_array_equal(part.array, LABELS[2:5, :, 1:4])


def test_one_plane_is_an_image(volume, tmp_path):
    assert (
        "--voxel-size 0.4,0.5,0.6 --unit micrometer"
        in run(volume.path, tmp_path / "a.png", "--region", "3:4,:,:").output
    )
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png")[0].array[0], LABELS[3])


def test_a_coarser_level(volume, tmp_path):
    run(volume.path, tmp_path / "a.npy", "--level", 1)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), mode_of_blocks(LABELS))
    with pytest.raises(UserError, match="no level 5"):
        run(volume.path, tmp_path / "b.npy", "--level", 5)
    with pytest.raises(UserError, match="no resolution levels"):
        run(tmp_path / "a.npy", tmp_path / "b.npy", "--level", 1)


def test_an_unfinished_volume_is_not_exported_as_if_it_were_whole(tmp_path, capsys):
    LabelVolume.create(tmp_path / "v.zarr", GRID, default_phases(3), chunks=4)
    assert main(["export", str(tmp_path / "v.zarr"), str(tmp_path / "a.tif")]) == 2
    assert "unfinished" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["v.zarr"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a.xyz"], "'.xyz'"),
        (["a"], "no ending"),
        (["a.dat", "--format", "tifff"], "Did you mean 'tiff'"),
        (["a.tif", "--region", "0:99,:,:"], "reaches outside"),
        (["a.tif", "--region", "nonsense"], "not of the form"),
        (["a.png"], "one plane, not 8"),
        (["kept.tif"], "--overwrite"),
    ],
)
def test_mistakes_give_exit_code_2_and_no_output(volume, tmp_path, capsys, args, message):
    (tmp_path / "kept.tif").write_text("mine")
    assert main(["export", volume.path, str(tmp_path / args[0]), *args[1:]]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.strip().splitlines()) == 1
    assert sorted(os.listdir(tmp_path)) == ["kept.tif", "v.zarr"]
    assert (tmp_path / "kept.tif").read_text() == "mine"


def test_overwrite_replaces(volume, tmp_path):
    (tmp_path / "a.tif").write_text("old")
    run(volume.path, tmp_path / "a.tif", "--overwrite")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), LABELS)
