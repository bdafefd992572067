from __future__ import annotations

import math

import numpy as np
import pytest
from mesofuse_metrics.options import TortuosityOptions
from mesofuse_metrics.tortuosity import Tortuosity

from mesofuse.errors import UserError


def measured(labels, context, **options) -> dict[tuple[str, str], float]:
    return {(m.metric, m.label): m.value for m in Tortuosity(TortuosityOptions(**options)).measure(labels, context)}


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 1.0), (3.0, 1.0, 0.5)])
def test_parallel_layers(context, voxel, capfd):
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[:, :, 4:] = 1
    found = measured(labels, context(labels, 2, voxel, "micrometer"))
    for axis in "zy":
        assert found["tortuosity", f"pore | {axis}"] == pytest.approx(1, rel=1e-3)
        assert found["transport-efficiency", f"active | {axis}"] == pytest.approx(2 / 3, rel=1e-3)
    # Layers in series block each other: known at once, said nowhere.
    assert found["tortuosity", "pore | x"] == math.inf
    assert found["transport-efficiency", "pore | x"] == 0
    assert capfd.readouterr().out == ""


def test_cell_with_a_constriction_of_known_resistance(context):
    # A channel of full width for half of the length and of half width after it can't be below the two in series, nor
    # above the layers with free exchange; refined voxels and oblong ones must agree with each other.
    shape = (24, 24, 24)
    labels = np.ones(shape, np.uint8)
    labels[:12] = 0
    labels[12:, :12] = 0
    cubic = measured(labels, context(labels, 2), phases=("pore",), axes=("z",), tolerance=1e-3)
    oblong = measured(
        labels[::2].copy(),
        context(labels[::2], 2, (2.0, 1.0, 1.0), "micrometer"),
        phases=("pore",),
        axes=("z",),
        tolerance=1e-3,
    )
    value = cubic["transport-efficiency", "pore | z"]
    assert 0.5 < value < 2 / 3
    assert oblong["transport-efficiency", "pore | z"] == pytest.approx(value, rel=0.02)
    assert cubic["tortuosity", "pore | z"] * value == pytest.approx(0.75)


def test_blind_pieces_count_in_the_fraction_only(context):
    labels = np.ones((10, 10, 10), np.uint8)
    labels[:, :5] = 0
    labels[4, 8, 8] = 0
    found = measured(labels, context(labels, 2), phases=("pore",), axes=("z",))
    assert found["transport-efficiency", "pore | z"] == pytest.approx(0.5, rel=1e-3)
    assert found["tortuosity", "pore | z"] == pytest.approx(0.501 / 0.5, rel=1e-3)


def test_not_converged_is_undefined(context):
    labels = (np.random.default_rng(0).random((30, 30, 30)) < 0.3).astype(np.uint8)
    found = measured(labels, context(labels, 2), phases=("pore",), axes=("z",), tolerance=1e-9, iterations=100)
    assert math.isnan(found["tortuosity", "pore | z"])


def test_phase_that_is_not_there(context):
    labels = np.zeros((6, 6, 6), np.uint8)
    found = measured(labels, context(labels, 2), axes=("y",))
    assert found["tortuosity", "pore | y"] == pytest.approx(1)
    assert (found["tortuosity", "active | y"], found["transport-efficiency", "active | y"]) == (math.inf, 0)


def test_unknown_phase(context):
    labels = np.zeros((6, 6, 6), np.uint8)
    with pytest.raises(UserError, match="Did you mean 'pore'"):
        measured(labels, context(labels, 2), phases=("poer",))
