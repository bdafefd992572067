import numpy as np
import pytest
import tifffile

from mesofuse.config.job import make_job
from mesofuse.errors import UserError
from mesofuse.pipeline.inputs import match_phases, named_after, open_inputs
from mesofuse.testing.problems import blobs
from mesofuse.volumes.phases import PhaseMatch, default_phases


@pytest.fixture
def job(tmp_path):
    def make(low=None, high=None, **fields):
        low = blobs((9, 8, 10), 2).array if low is None else low
        high = blobs((1, 40, 40), 3).array[0] if high is None else high
        tifffile.imwrite(tmp_path / "low.tif", low, photometric="minisblack")
        tifffile.imwrite(tmp_path / "high.tif", high, photometric="minisblack")
        data = {"low_res": str(tmp_path / "low.tif"), "high_res": str(tmp_path / "high.tif"), "scale": 4, **fields}
        return make_job(data, "a test")

    return make


def test_all_is_opened_named_and_hashed(job):
    inputs = open_inputs(
        job(shows={"0": ["pore", "binder"], "1": ["active"]}, phases=["pore", "active", "binder"], voxel_size=0.8)
    )
    assert inputs.problem.match == PhaseMatch(((0, 2), (1,)))
    assert [p.name for p in inputs.problem.low_phases] == ["pore + binder", "active"]
    assert inputs.image.grid.voxel_size == pytest.approx((0.2, 0.2, 0.2))
    assert inputs.image.grid.unit == "micrometer"
    assert inputs.notes == ()
    assert inputs.hashes.keys() == {"low_res", "high_res"}
    assert inputs.fusion.images[0] is inputs.fusion.images[2] is inputs.image


def test_mapped_values_are_noted(job):
    low = np.array([0, 255], np.uint8)[blobs((9, 8, 10), 2).array]
    inputs = open_inputs(job(low=low))
    assert "0→0, 255→1" in inputs.notes[0]
    assert inputs.hashes == open_inputs(job()).hashes


def test_every_named_phase_must_occur(job):
    with pytest.raises(UserError, match="shows 2 phases, but 3 are named: 'binder' does not occur"):
        open_inputs(job(high=blobs((1, 40, 40), 2).array[0], phases=["pore", "active", "binder"]))


def test_more_phases_than_the_image_are_refused_whatever_the_rules():
    low, high = default_phases(4), default_phases(3)
    rules = {str(i): (str(i % 3),) for i in range(4)}
    with pytest.raises(UserError, match="has 4 phases but the image only 3"):
        match_phases(rules, low, high)
    assert match_phases(None, low[:2], high) == PhaseMatch(((0,), (1,)))


def test_names_that_the_volume_has_are_kept():
    own = default_phases(2, ["void", "solid"])
    assert named_after(own, default_phases(3), PhaseMatch(((0, 2), (1,)))) == own


def test_a_free_phase_is_noted(job):
    (note,) = open_inputs(job(phases=["pore", "active", "binder"])).notes
    assert "no phase of the scan shows binder" in note
    assert "it is free" in note
    assert open_inputs(job(phases=["pore", "active", "binder"], shows={"0": ["0", "2"], "1": ["1"]})).notes == ()


def test_a_scan_of_other_numbers_needs_rules(job):
    low = np.array([0, 2], np.uint8)[blobs((9, 8, 10), 2).array]
    with pytest.raises(UserError, match=r"has the values 0, 2, but what it is matched with has 0, 1, 2.*--shows"):
        open_inputs(job(low=low))
    inputs = open_inputs(job(low=low, shows={"0": ["0"], "1": ["1", "2"]}))
    assert "0→0, 2→1" in inputs.notes[0]


def test_images_of_several_directions_show_the_same_values(job, tmp_path):
    image = blobs((1, 40, 40), 2).array[0]
    tifffile.imwrite(tmp_path / "x.tif", np.array([0, 2], np.uint8)[image], photometric="minisblack")
    high = {"zy": str(tmp_path / "high.tif"), "x": str(tmp_path / "x.tif")}
    with pytest.raises(UserError, match=r"high\.tif has 0, 1; .*x\.tif has 0, 2.*--phases"):
        open_inputs(job(high=image, high_res=high))


def test_sizes_come_from_options_in_one_unit(job):
    inputs = open_inputs(job(scale=None, voxel_size=[520, 260, 260], image_pixel_size=65, unit="nm"))
    assert inputs.problem.scale == (8, 4, 4)
    assert inputs.scan.grid.voxel_size == (520, 260, 260)
    assert inputs.image.grid.voxel_size == (65, 65, 65)
    assert {inputs.scan.grid.unit, inputs.image.grid.unit} == {"nanometer"}
    assert inputs.notes[0].startswith("the scale factor is 8,4,4")


def test_the_unit_of_a_pixel_size_is_not_the_scans(job, tmp_path):
    described = job(scale=None, image_pixel_size=65, unit="nm")
    data = blobs((9, 8, 10), 2).array
    tifffile.imwrite(tmp_path / "low.tif", data, photometric="minisblack", imagej=True, resolution=(1 / 0.26, 1 / 0.26),
                     metadata={"unit": "um", "spacing": 0.52, "axes": "ZYX"})  # fmt: skip
    inputs = open_inputs(described)
    assert inputs.scan.grid.voxel_size == pytest.approx((0.52, 0.26, 0.26), rel=1e-3)
    assert inputs.scan.grid.unit == "micrometer"
    assert inputs.problem.scale == pytest.approx((8, 4, 4), rel=1e-3)


def test_without_a_scan_either_size_is_the_images(job):
    for fields in ({"image_pixel_size": 0.1}, {"voxel_size": 0.1}):
        inputs = open_inputs(job(low_res=None, scale=None, **fields))
        assert inputs.image.grid.voxel_size == (0.1, 0.1, 0.1)
    with pytest.raises(UserError, match="give image_pixel_size alone"):
        job(low_res=None, scale=None, image_pixel_size=0.1, voxel_size=0.1)
