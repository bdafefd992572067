import numpy as np
import pytest

import mesofuse as mf
from mesofuse.testing.problems import blobs

TINY = {
    "generator": {"channels": 4, "last": 4}, "critic": {"channels": 4, "crop": 16}, "critic_steps": 1,
    "batch": {"volumes": 1, "slices": 2}, "selection": {"window": 7, "parts": 1},
}  # fmt: skip
SHOWS = {0: ["pore", "binder"], 1: "active"}


@pytest.fixture(scope="session")
def arrays():
    """The labels of a scan and of an image."""
    return np.array(blobs((9, 8, 10), 2, seed=1).array), np.array(blobs((1, 40, 40), 3, seed=2).array[0])


@pytest.fixture(scope="session")
def pair(arrays):
    scan = mf.volume(arrays[0], voxel_size=0.8, unit="um")
    return mf.Pair(scan, mf.image(arrays[1], phases=["pore", "active", "binder"]), scale=4, shows=SHOWS)


@pytest.fixture(scope="session")
def model(pair):
    return mf.fit(pair, preset="slim", options=TINY, steps=2, device="cpu", progress=False)


@pytest.fixture(scope="session")
def fused(model, pair):
    return model.generate(pair.scan, seed=1, progress=False)
