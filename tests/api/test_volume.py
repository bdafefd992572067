import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mesofuse as mf
from mesofuse.testing.problems import blobs

ARRAY = np.array(blobs((5, 6, 7), 3, seed=3).array)
VOLUME = mf.volume(ARRAY, voxel_size=[0.4, 0.2, 0.1], unit="um", phases=["pore", "active", "binder"])

index = st.one_of(st.integers(-5, 4), st.slices(7), st.just(...))


@settings(max_examples=200, deadline=None)
@given(st.lists(index, max_size=3).filter(lambda keys: sum(k is ... for k in keys) < 2))
def test_a_part_is_that_of_the_array(keys):
    key = tuple(keys)
    assert np.array_equal(VOLUME[key], ARRAY[key])


@pytest.mark.parametrize("key", [5, -6, (0, 0, 0, 0), [0, 1], "pore", 1.5, None])
def test_an_index_that_is_none_is_an_index_error(key):
    with pytest.raises(IndexError):
        VOLUME[key]


def test_it_is_an_array_to_numpy_dask_and_xarray():
    assert np.array_equal(np.asarray(VOLUME), ARRAY)
    assert np.array_equal(VOLUME.to_dask()[1:, ::2].compute(), ARRAY[1:, ::2])
    found = VOLUME.to_xarray()
    assert found.dims == ("z", "y", "x")
    assert np.allclose(found.z[:2], [0, 0.4])
    assert found.z.attrs["units"] == "micrometer"
    assert found.attrs["phases"] == ["pore", "active", "binder"]
    assert np.array_equal(found.sel(x=0.2, method="nearest"), ARRAY[:, :, 2])


def test_what_it_is_and_what_it_holds():
    assert (VOLUME.shape, VOLUME.ndim, len(VOLUME), VOLUME.dtype) == ((5, 6, 7), 3, 5, np.uint8)
    assert (VOLUME.voxel_size, VOLUME.unit, VOLUME.name) == ((0.4, 0.2, 0.1), "micrometer", "volume")
    assert repr(VOLUME) == "<volume of 5 × 6 × 7 voxels of 0.4 × 0.2 × 0.1 µm: pore, active, binder (temporary)>"
    assert VOLUME.fractions() == {n: float(np.mean(i == ARRAY)) for i, n in enumerate(VOLUME.phases)}


def test_a_notebook_shows_the_middle_slice_and_the_phases():
    page = VOLUME._repr_html_()
    assert page.count("<div>") >= 4
    assert "data:image/png;base64," in page
    hostile = mf.volume(ARRAY, phases=["<b>", "active", "binder"])
    assert "<b>" not in hostile._repr_html_()


def test_colours_and_grey_values_of_results_are_read_with_their_channels(tmp_path):
    from mesofuse.volumes.grid import Grid
    from mesofuse.volumes.store.intensities import IntensityVolume

    values = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 4), np.uint8)
    made = IntensityVolume.create_intensities(tmp_path / "a.zarr", Grid((4, 4, 4)), "colour", chunks=(4, 4, 4))
    made.write(made.grid.region, values)
    volume = mf.Volume(made, str(tmp_path / "a.zarr"))
    assert np.array_equal(volume[1, 2:], values[1, 2:])
    assert np.array_equal(volume.to_dask().compute(), values)
    assert volume.to_xarray().dims == ("channel", "z", "y", "x")
    assert "data:image/png" in volume._repr_html_()


@pytest.mark.parametrize("ending", ["zarr", "tif", "npy"])
def test_saved_and_opened_again_it_is_the_same(tmp_path, ending):
    path = VOLUME.save(tmp_path / f"a.{ending}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mf.Note)
        assert np.array_equal(mf.volume(path, phases=VOLUME.phases)[...], ARRAY)
    with pytest.raises(mf.UserError, match="overwrite"):
        VOLUME.save(path)
    VOLUME.save(path, overwrite=True)


def test_values_are_mapped_and_padding_is_ignored_as_on_the_command_line():
    values = np.where(ARRAY == 1, 255, ARRAY * 50)
    with pytest.warns(mf.Note, match="0→0, 100→1, 255→2"):
        mapped = mf.volume(values)
    assert np.array_equal(mapped[...], np.array([0, 2, 1])[ARRAY])
    masked = mf.volume(values, ignore=255, phases=["a", "b"])
    assert set(masked.fractions()) == {"a", "b"}
    assert sum(masked.fractions().values()) == pytest.approx(1)
    assert mf.volume(ARRAY, crop="0:2,:,:").shape == (2, 6, 7)


def test_images_are_stacks():
    one, several = mf.image(ARRAY[0]), mf.image(ARRAY, pixel_size=[0.2, 0.1], unit="nm")
    assert repr(one) == "<image of 6 × 7 pixels: phase 0, phase 1, phase 2 (temporary)>"
    assert repr(several).startswith("<5 images of 6 × 7 pixels of 0.2 × 0.1 nm")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mf.volume("/nowhere/scan.tif"), "/nowhere/scan.tif"),
        (lambda: mf.volume(ARRAY.astype(float) / 7), "the volume's array"),
        (lambda: mf.volume(ARRAY, voxel_size=0), "voxel size"),
        (lambda: mf.volume(ARRAY, voxel_size=1, unit="parsecs"), "parsecs"),
        (lambda: mf.volume(ARRAY, phases="pore,active"), "give a list of names"),
        (lambda: mf.volume(VOLUME), "is open already"),
        (lambda: mf.volume(None), "neither a file's path nor an array"),
        (lambda: mf.image(ARRAY[0], phases=["a", "b"]), "phases"),
    ],
)
def test_a_mistake_is_one_sentence_in_the_words_of_python(call, words):
    with pytest.raises(mf.UserError, match=words) as caught:
        call()
    assert "--" not in str(caught.value)
