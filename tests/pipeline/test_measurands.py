"""Files that are measured next to each other: opened under the same names of phases, or refused."""

import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.pipeline.measurands import GivenSizes, open_all, open_scan
from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats.catalogue import write_labels


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "bare.npy", np.array(blobs((8, 8, 8), 3, seed=1).array))
    write_labels(blobs((8, 8, 8), 3, seed=2), tmp_path / "named.zarr")
    np.save(tmp_path / "image.npy", np.array(blobs((1, 20, 20), 3, seed=3).array[0]))
    np.save(tmp_path / "scan.npy", np.array(blobs((2, 2, 2), 2, seed=4).array))
    return {path.stem: str(path) for path in tmp_path.iterdir()}


def test_files_take_the_names_that_are_given(files):
    found = open_all([files["bare"], files["image"]], "pore, active, binder")
    assert {tuple(p.name for p in volume.phases) for volume, _ in found.values()} == {("pore", "active", "binder")}


def test_sizes_are_those_given_where_a_file_states_none(files):
    given = GivenSizes((0.4, 0.4, 0.4), (0.1, 0.2), "um")
    found = open_all([files["bare"], files["image"]], None, given)
    assert found[files["bare"]][0].grid.voxel_size == (0.4, 0.4, 0.4)
    assert found[files["image"]][0].grid.voxel_size == (0.1, 0.1, 0.2)
    notes = []
    open_all([files["bare"], files["image"]], None, GivenSizes(image_pixel_size=(0.1, 0.1)), note=notes.append)
    assert any("bare.npy states no voxel size" in text and "--voxel-size" in text for text in notes)


def test_a_part_of_some_of_them(files):
    found = open_all([files["bare"], files["image"]], None, crop="0:2,:,:", cropped=[files["bare"]])
    assert found[files["bare"]][0].grid.shape == (2, 8, 8)
    assert found[files["image"]][0].grid.shape == (1, 20, 20)


def test_the_scan_is_matched_by_rules_and_its_scale_factor_is_asked_for(files):
    opened = open_all([files["bare"]], "pore,active,binder")[files["bare"]]
    rules = ("0=pore,binder", "1=active")
    found = open_scan(files["scan"], "bare", opened, (4.0, 4.0, 4.0), rules, "blur-downsample")
    assert found.match.shows == ((0, 2), (1,))
    assert found.scale == (4, 4, 4)
    with pytest.raises(UserError, match="Missing option '--scale'"):
        open_scan(files["scan"], "bare", opened, None, rules, "blur-downsample")
    with pytest.raises(UserError, match="bare: "):
        open_scan(files["scan"], "bare", opened, (2.0, 2.0, 2.0), rules, "blur-downsample")
