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


def reasons(labels, context, **options) -> dict[tuple[str, str], str]:
    return {(m.metric, m.label): m.reason for m in Tortuosity(TortuosityOptions(**options)).measure(labels, context)}


def serpentine(layers, width):
    """A path one voxel wide, to and fro along y: with n voxels over N layers its tortuosity factor is (n / N)²."""
    labels = np.ones((layers, width, 2), np.uint8)
    labels[1::2, :, 0] = 0
    labels[::4, 0, 0] = 0
    labels[2::4, -1, 0] = 0
    return labels


@pytest.mark.parametrize(("layers", "width"), [(15, 10), (51, 40), (81, 60)])
def test_serpentine(context, layers, width):
    labels = serpentine(layers, width)
    n = np.count_nonzero(labels == 0)
    found = measured(labels, context(labels, 2), phases=("pore",), axes=("z",))
    assert found["tortuosity", "pore | z"] == pytest.approx((n / layers) ** 2, rel=2e-3)
    assert found["transport-efficiency", "pore | z"] == pytest.approx(layers / (2 * width * n), rel=2e-3)


def test_dead_end_and_contact_along_an_edge_block(context):
    dead = np.ones((10, 8, 8), np.uint8)
    dead[:9, 4, 4] = 0
    edge = np.ones((10, 8, 8), np.uint8)
    edge[:5, :4], edge[5:, 4:] = 0, 0
    for labels in (dead, edge):
        made = context(labels, 2)
        found = measured(labels, made, phases=("pore",), axes=("z",))
        assert found["tortuosity", "pore | z"] == math.inf
        assert found["transport-efficiency", "pore | z"] == 0
        why = reasons(labels, made, phases=("pore",), axes=("z",))
        assert why["tortuosity", "pore | z"] == "the phase does not connect the faces normal to z"
        assert why["transport-efficiency", "pore | z"] == ""


def test_not_converged_is_undefined_and_says_what_to_raise(context):
    labels = serpentine(51, 40)
    options = {"phases": ("pore",), "axes": ("z",), "iterations": 200}
    found = measured(labels, context(labels, 2), **options)
    assert math.isnan(found["tortuosity", "pore | z"])
    why = reasons(labels, context(labels, 2), **options)["tortuosity", "pore | z"]
    assert "did not converge in 200 iterations" in why
    assert "--set tortuosity.iterations=" in why


def test_phase_that_is_not_there(context):
    labels = np.zeros((6, 6, 6), np.uint8)
    found = measured(labels, context(labels, 2), axes=("y",))
    assert found["tortuosity", "pore | y"] == pytest.approx(1)
    assert (found["tortuosity", "active | y"], found["transport-efficiency", "active | y"]) == (math.inf, 0)
    assert reasons(labels, context(labels, 2), axes=("y",))["tortuosity", "active | y"] == "the phase is absent"


def test_unknown_phase(context):
    labels = np.zeros((6, 6, 6), np.uint8)
    with pytest.raises(UserError, match="Did you mean 'pore'"):
        measured(labels, context(labels, 2), phases=("poer",))
