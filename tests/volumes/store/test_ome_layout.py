import zipfile

import numpy as np
import pytest
import zarr

from mesofuse.errors import UserError
from mesofuse.volumes.formats.zarr import read
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labelling import read_labels
from mesofuse.volumes.store.labels import LabelVolume

LABELS = np.random.default_rng(1).integers(0, 3, (6, 5, 7), dtype=np.uint8)


def about(version, **more):
    return {"ome": {"version": "0.5", **more}} if version == 3 else more


def image(group, name, version, values=LABELS, **more):
    axes = [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"]
    steps = [{"type": "scale", "scale": [0.5, 0.4, 0.4]}]
    multiscale = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]}
    made = group.create_group(name) if name else group
    made.attrs.update(about(version, multiscales=[multiscale], **more))
    made.create_array("0", data=values, chunks=(4, 4, 4))
    return made


def bioformats2raw(path, count, version, listed=True):
    root = zarr.open_group(
        str(path), mode="w", zarr_format=version, attributes=about(version, **{"bioformats2raw.layout": 3})
    )
    for i in range(count):
        image(root, str(i), version, LABELS + np.uint8(0))
    extra = root.create_group("OME")
    if listed:
        extra.attrs.update(about(version, series=[str(i) for i in range(count)]))
    return str(path)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("listed", [True, False])
def test_the_only_series_of_bioformats2raw_is_opened(tmp_path, version, listed):
    path = bioformats2raw(tmp_path / "a.zarr", 1, version, listed)
    for opened in (LabelVolume.open(path), read_labels(path)[0]):
        assert opened.grid == Grid(LABELS.shape, (0.5, 0.4, 0.4), "micrometer")
        np.testing.assert_array_equal(opened.read(opened.grid.region), LABELS)
    np.testing.assert_array_equal(read(path).array, LABELS)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in sorted((tmp_path / "a.zarr").rglob("*")):
            archive.write(file, file.relative_to(tmp_path / "a.zarr"))
    zipped = LabelVolume.open(tmp_path / "a.zip")
    np.testing.assert_array_equal(zipped.read(zipped.grid.region), LABELS)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("listed", [True, False])
def test_several_series_are_named(tmp_path, version, listed):
    path = bioformats2raw(tmp_path / "a.zarr", 2, version, listed)
    for take in (LabelVolume.open, read, read_labels):
        with pytest.raises(UserError, match=rf"holds 2 series .* give one of them: {path}/0 or {path}/1\."):
            take(path)
    assert LabelVolume.open(f"{path}/1").grid.shape == LABELS.shape


def test_many_series_make_a_short_sentence(tmp_path):
    path = bioformats2raw(tmp_path / "a.zarr", 20, 3)
    with pytest.raises(UserError, match=r"a\.zarr/7 … \(20 in all\)"):
        read(path)


@pytest.mark.parametrize("series", [["7"], ["../../x"], [3], "0", {}])
def test_a_series_that_is_not_there_is_one_sentence(tmp_path, series):
    root = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", attributes=about(3, **{"bioformats2raw.layout": 3}))
    root.create_group("OME", attributes=about(3, series=series))
    for take in (LabelVolume.open, read):
        with pytest.raises(UserError, match=r"a\.zarr says that it holds series of images"):
            take(str(tmp_path / "a.zarr"))


@pytest.mark.parametrize("version", [2, 3])
def test_labels_beside_an_image_are_named(tmp_path, version):
    path = str(tmp_path / "a.zarr")
    grey = np.arange(512, dtype=np.uint16).reshape(8, 8, 8)
    root = image(zarr.open_group(path, mode="w", zarr_format=version), "", version, grey)
    labels = root.create_group("labels", attributes=about(version, labels=["cells", "pores"]))
    image(labels, "cells", version, **{"image-label": {}})
    image(labels, "pores", version, LABELS[::-1], **{"image-label": {}})
    with pytest.raises(
        UserError, match=rf"grey-level .* It holds labels too: give {path}/labels/cells or {path}/labels/p"
    ):
        LabelVolume.open(path)
    assert read(path).notes == (f"it holds labels too: give {path}/labels/cells or {path}/labels/pores",)
    with pytest.raises(UserError, match=rf"holds 2 label images; give one of them: {path}/labels/cells or"):
        LabelVolume.open(f"{path}/labels")
    pores = LabelVolume.open(f"{path}/labels/pores")
    np.testing.assert_array_equal(pores.read(pores.grid.region), LABELS[::-1])


def test_plates_are_refused_naming_what_an_image_is(tmp_path):
    zarr.open_group(str(tmp_path / "a.zarr"), mode="w", attributes=about(3, plate={"wells": []}))
    with pytest.raises(UserError, match=r"a\.zarr is a plate .* as in .*a\.zarr/A/1/0"):
        LabelVolume.open(tmp_path / "a.zarr")
