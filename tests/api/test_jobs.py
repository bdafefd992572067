import numpy as np
import pytest

import mesofuse as mf


def test_volumes_and_images_next_to_each_other(fused, pair):
    image = pair.images["zyx"]
    table = mf.measure([fused, image], ["volume-fraction", "surface-area"], reference=image, progress=False)
    assert table.names() == ["result", "image"]
    assert table.reference is table.columns[1]
    for name, share in fused.fractions().items():
        assert table.value("volume-fraction", name, "result") == pytest.approx(share)
    frame = table.to_pandas()
    wanted = table.value("volume-fraction", "pore", "result") / table.value("volume-fraction", "pore", "image") - 1
    assert frame.loc[("volume-fraction", "pore"), "result error"] == pytest.approx(wanted)


def test_textures_are_compared_with_the_reference_which_gets_its_floor(fused, pair):
    table = mf.measure(fused, "pattern-distance", reference=pair.images["zyx"], progress=False)
    assert table.names() == ["image", "result"]
    assert table.value("pattern-distance", "spacing 1 | z", "result") > table.value(
        "pattern-distance", "spacing 1 | z", "image"
    )


def test_the_scan_is_compared_where_the_pair_is_given(fused, pair, model):
    table = mf.measure({"a": fused, "b": pair.images["zyx"]}, ["low-res-consistency"], pair=pair, progress=False)
    violations, agreement = mf.consistency(fused, pair)
    assert table.value("low-res-consistency", "all", "a") == pytest.approx(agreement["all"])
    assert np.mean(violations[...]) == pytest.approx(1 - agreement["all"])
    assert set(agreement) == {"all", "pore + binder", "active"}


def test_unnamed_phases_take_the_names_of_the_others(fused):
    with pytest.warns(mf.Note, match="are taken to be pore, active, binder"):
        table = mf.measure({"named": fused, "bare": np.array(fused)}, progress=False)
    assert table.value("volume-fraction", "binder", "named") == table.value("volume-fraction", "binder", "bare")


@pytest.mark.parametrize(
    ("volumes", "options", "words"),
    [
        (lambda f: f, {"metrics": ["volume-fractions"]}, "volume-fraction"),
        (lambda f: [f, np.eye(8, dtype=int)], {}, "2 phases"),
        (lambda f: [f, mf.volume(np.array(f), phases=["a", "b", "c"])], {}, "a, b, c"),
        (lambda f: [], {}, "nothing to measure"),
    ],
)
def test_a_mistake_is_one_sentence(fused, volumes, options, words):
    with pytest.raises(mf.UserError, match=words):
        mf.measure(volumes(fused), progress=False, **options)


def test_a_simulated_scan_makes_a_pair_with_its_truth():
    blocks = np.kron(np.indices((4, 4, 4)).sum(0) % 3, np.ones((8, 8, 8), int))
    truth = mf.volume(blocks, phases=["pore", "active", "binder"], voxel_size=0.1, unit="um")
    scan = mf.degrade(truth, 4, shows={0: ["pore", "binder"], 1: ["active"]}, noise=0.1, seed=1)
    assert (scan.shape, scan.voxel_size, scan.unit) == ((8, 8, 8), (0.4, 0.4, 0.4), "micrometer")
    again = mf.degrade(truth, 4, shows={0: ["pore", "binder"], 1: ["active"]}, noise=0.1, seed=1)
    assert np.array_equal(scan[...], again[...])
    pair = mf.Pair(scan, mf.image(blocks, phases=truth.phases), scale=4, shows={0: ["pore", "binder"], 1: ["active"]})
    _, agreement = mf.consistency(truth, pair)
    assert agreement["all"] > 0.8
    grey = mf.degrade(truth, 4, threshold=[0.5, 1.5])
    assert grey.shape == (8, 8, 8)


def test_methods_are_compared_and_the_table_is_a_data_frame(pair, fused, tmp_path):
    made = mf.compare(
        pair, ["interpolation"], volumes={"gan": fused.save(tmp_path / "fused.zarr")}, metrics=["volume-fraction"],
        subvolumes=2, size=16, out=tmp_path / "cmp", progress=False,
    )  # fmt: skip
    assert set(made.volumes) == {"image", "interpolation", "gan"}
    assert made.volumes["interpolation"].shape == fused.shape
    assert "mean |error|" in str(made)
    assert "interpolation" in repr(made)
    frame = made.to_pandas()
    assert {"interpolation", "gan"} <= set(map(str, frame.to_numpy().ravel()))
    assert mf.report(tmp_path / "cmp", tmp_path / "cmp.html", progress=False).exists()
