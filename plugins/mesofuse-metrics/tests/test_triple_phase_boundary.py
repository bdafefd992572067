from __future__ import annotations

import math

import numpy as np
import pytest
from mesofuse_metrics.triple_phase_boundary import TriplePhaseBoundary


def density(labels, context, values) -> dict[str, float]:
    return values(TriplePhaseBoundary().measure(labels, context))


def rod(n: int) -> np.ndarray:
    """Three phases that meet in one line along axis 0."""
    plane = np.zeros((n, n), np.uint8)
    plane[n // 2 :, : n // 2] = 1
    plane[n // 2 :, n // 2 :] = 2
    return np.repeat(plane[None], n, 0)


def test_one_line_along_an_axis(context, values):
    labels = rod(10)
    # One point in each of the planes normal to axis 0, whose 9² edges cover 81 area units; none in the others.
    assert density(labels, context(labels, 3), values) == {"pore | active | binder": pytest.approx(2 * (1 / 81) / 3)}


def test_its_section_as_an_image(context, values):
    labels = rod(10)[:1]
    assert density(labels, context(labels, 3, (1.0, 0.5, 0.5), "micrometer"), values) == {
        "pore | active | binder": pytest.approx(2 / (81 * 0.25))
    }


def test_lines_of_all_orientations_have_their_length(context, values):
    rng = np.random.default_rng(0)
    points = np.stack(np.meshgrid(*[np.arange(40) - 19.5] * 3, indexing="ij"), -1)
    ratios = []
    for _ in range(60):
        along, one, other = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        shifted = points - rng.random(3)
        turn = (np.arctan2(shifted @ one, shifted @ other) + np.pi) / (2 * np.pi) * 3
        labels = np.minimum(turn.astype(int), 2).astype(np.uint8)
        length = 39 / np.abs(along).max()  # of the line within the box, roughly: it passes near the centre
        (value,) = density(labels, context(labels, 3), values).values()
        ratios.append(value * 39**3 / length)
    assert np.mean(ratios) == pytest.approx(1.03, abs=0.05)


def test_four_phases_in_one_edge_count_for_every_triple(context, values):
    labels = np.array([[[0, 1], [2, 3]]], np.uint8)
    found = density(labels, context(labels, 4), values)
    assert len(found) == 4
    assert set(found.values()) == {2.0}


def test_each_triple_has_its_own(context, values):
    labels = rod(8)
    labels[labels == 2] = 3
    found = density(labels, context(labels, 4), values)
    assert {name: value > 0 for name, value in found.items()} == {
        "pore | active | binder": False,
        "pore | active | phase 3": True,
        "pore | binder | phase 3": False,
        "active | binder | phase 3": False,
    }


def test_two_phases_have_no_triples(context):
    labels = np.zeros((4, 4, 4), np.uint8)
    assert TriplePhaseBoundary().measure(labels, context(labels, 2)) == []


def test_unit_and_thin_volume(context):
    labels = np.zeros((3, 1, 1), np.uint8)
    (one,) = TriplePhaseBoundary().measure(labels, context(labels, 3, (1.0,) * 3, "nanometer"))
    assert one.unit == "nm⁻²"
    assert math.isnan(one.value)


def test_streams_exactly(check_additive):
    check_additive(TriplePhaseBoundary(), phases=(1, 3, 5))


@pytest.mark.filterwarnings("ignore:To copy construct")
def test_agrees_with_taufactor(context, values, capsys):
    from taufactor.metrics import triple_phase_boundary

    labels = np.random.default_rng(3).integers(0, 3, (12, 12, 12), dtype=np.uint8)
    share = float(triple_phase_boundary(labels.astype(np.int64)))  # of all edges, three to a voxel of a large volume
    capsys.readouterr()
    assert list(density(labels, context(labels, 3), values).values()) == pytest.approx([2 * share])
