"""A model and what it is applied to: opened, or refused with what to do."""

import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.models.package import load_package, save_package
from mesofuse.pipeline.target import open_all
from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats.catalogue import write_labels
from mesofuse.volumes.grid import Region


@pytest.fixture(scope="module")
def package(tiny_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("target") / "model"
    model, options = tiny_model()
    save_package(path, model, "superres", options, {"voxel_size": [0.8, 0.8, 0.8], "unit": "micrometer"})
    return path


def scan(folder, array=None, name="scan.npy"):
    path = folder / name
    np.save(path, np.array(blobs((6, 7, 8), 2, seed=1).array) if array is None else array)
    return str(path)


def test_a_scan_takes_the_size_of_the_models_where_it_states_none(tmp_path, package):
    notes = []
    found = open_all(str(package), scan(tmp_path), "cpu", "0:4,:,8:", note=notes.append)
    assert found.grid.voxel_size == (0.8, 0.8, 0.8)
    assert found.region == Region((0, 0, 8), (4, 28, 32))
    assert any("states no voxel size" in text for text in notes)
    again = open_all(load_package(package), scan(tmp_path), "cpu", None, voxel_size=(0.4,) * 3, unit="um")
    assert again.grid.voxel_size == (0.4, 0.4, 0.4)
    assert again.region is None


def test_a_part_of_the_scan(tmp_path, package):
    found = open_all(str(package), scan(tmp_path), "cpu", None, crop="0:3,:,:")
    assert found.low_res.grid.shape == (3, 7, 8)


def test_voxels_of_another_size_are_noted(tmp_path, package):
    notes = []
    path = tmp_path / "scan.zarr"
    write_labels(blobs((6, 7, 8), 2, seed=1), path)
    open_all(str(package), str(path), "cpu", None, voxel_size=(0.2,) * 3, unit="um", note=notes.append)
    assert any("of another size here" in text for text in notes)


def test_a_scan_that_lacks_a_phase_is_taken_by_its_labels(tmp_path, package):
    found = open_all(str(package), scan(tmp_path, np.ones((5, 5, 5), np.uint8)), "cpu", None)
    assert (found.low_res.read(found.grid.region) == 1).all()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.arange(216).reshape(6, 6, 6) % 3, "has 3 phases, but the model was trained on volumes of 2"),
        (np.full((5, 5, 5), 7), "it is not clear"),
    ],
)
def test_other_phases_are_refused(tmp_path, package, array, words):
    with pytest.raises(UserError, match=words):
        open_all(str(package), scan(tmp_path, array.astype(np.uint8)), "cpu", None)
    with pytest.raises(UserError, match="none is given"):
        open_all(str(package), None, "cpu", None)
