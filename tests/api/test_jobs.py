import numpy as np

import mesofuse as mf


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
