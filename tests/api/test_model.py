import numpy as np
import pytest

import mesofuse as mf


def test_a_part_is_that_of_the_whole(model, pair, fused):
    for region in ((slice(4, 20), slice(None), slice(0, 8)), "4:20,:,0:8"):
        part = model.generate(pair.scan, seed=1, region=region, progress=False)
        assert np.array_equal(part[...], fused[4:20, :, :8])
    other = model.generate(np.array(pair.scan), seed=2, region=slice(0, 4), progress=False)
    assert other.shape == (4, 32, 40)
    assert not np.array_equal(other[...], fused[:4])


def test_a_result_goes_where_it_is_wanted(tmp_path, model, pair):
    out = tmp_path / "fused.zarr"
    made = model.generate(pair.scan, out=out, progress=False)
    assert np.array_equal(mf.volume(out)[...], made[...])
    with pytest.raises(mf.UserError, match="overwrite"):
        model.generate(pair.scan, out=out, progress=False)
    assert np.array_equal(model.generate(pair.scan, out=out, resume=True, progress=False)[...], made[...])


def test_a_model_is_saved_and_loaded(tmp_path, model, pair, fused):
    path = model.save(tmp_path / "model")
    again = mf.load_model(path)
    assert repr(again) == repr(model)
    assert (again.method, again.scale, again.phases) == ("superres", (4, 4, 4), ("pore", "active", "binder"))
    assert again.options["critic"]["crop"] == 16
    assert again.provenance["seed"] == 0
    assert "superres" in again._repr_html_()
    assert np.array_equal(again.generate(pair.scan, seed=1, progress=False)[...], fused[...])
    with pytest.raises(mf.UserError, match="overwrite"):
        model.save(path)


def test_a_plan_and_realisations(tmp_path, model, pair, fused):
    assert model.plan(pair.scan).shape == fused.shape
    made = model.realisations(pair.scan, count=2, seed=1, out=tmp_path / "many", progress=False)
    assert np.array_equal(mf.volume(tmp_path / "many" / "seed-1.zarr")[...], fused[...])
    assert len(made.table.spreads) > 3


def test_a_method_without_a_scan_takes_a_size(arrays):
    pair = mf.Pair(None, mf.image(np.tile(arrays[1], (2, 2))))
    options = {"generator": {"latent": 3, "widths": [5, 4, 4]}, "critic": {"channels": 4}}
    model = mf.fit(pair, "slicegan", preset="slim", options=options, steps=1, device="cpu", progress=False)
    assert model.generate(size=(16, 20, 24), progress=False).shape == (16, 20, 24)
    assert "without a scan" in repr(model)
    with pytest.raises(mf.UserError, match="takes no scan"):
        model.generate(arrays[0], progress=False)


def test_gaussian_fields_are_projected_on_the_scan(pair):
    model = mf.fit(pair, "plurigaussian", device="cpu", progress=False)
    made = model.generate(pair.scan, project=True, progress=False)
    _, agreement = mf.consistency(made, pair)
    assert agreement["all"] == 1
    assert model.options["degradation"]["name"] == "blur-downsample"
