import numpy as np
import pytest

from mesofuse.preflight.scale_curves import Degraded, image_curves, prevailing, scan_curves


def stripes(period, shape, axis):
    edge = np.arange(shape[axis]) // period % 2
    return np.broadcast_to(np.expand_dims(edge, [a for a in range(len(shape)) if a != axis]), shape).astype(np.uint8)


def test_scan_curves_are_by_axis():
    curves = scan_curves([stripes(4, (32, 32, 32), 1)], [1])
    assert set(curves) == {(0, 0), (0, 1), (0, 2)}
    assert curves[0, 0] == pytest.approx(np.ones(17))
    assert curves[0, 1][[0, 2, 4]] == pytest.approx([1, 0, -1], abs=0.08)


def test_rows_and_columns_belong_to_axes_of_the_volume():
    flat, lines = [stripes(8, (64, 64), 0)], [stripes(4, (64, 64), 1)]
    same = image_curves((flat,) * 3, [[1]])
    assert np.array_equal(same[0, 0], same[0, 2])
    assert same[0, 1][8] == pytest.approx((1 - 1) / 2, abs=0.02)
    # Normal to z: rows along y, columns along x. Normal to y: z and x. Normal to x: z and y.
    different = image_curves((flat, lines, [stripes(8, (64, 64), 1)]), [[1]])
    assert different[0, 0] == pytest.approx(np.ones(33))
    assert different[0, 1][8] == pytest.approx(-1, abs=0.02)
    assert different[0, 2][[4, 8]] == pytest.approx([(1 - 1) / 2, (1 + 1) / 2], abs=0.02)


def test_one_phase_gives_nan():
    assert np.isnan(scan_curves([np.zeros((8, 8, 8), np.uint8)], [0])[0, 1]).all()


def test_prevailing_phase_of_squares():
    labels = np.zeros((6, 6), np.uint8)
    labels[:, 3:] = 2
    labels[0, :2] = 1
    assert prevailing(labels, [[0, 1], [2]], 3).tolist() == [[0, 1], [0, 1]]
    assert prevailing(labels, [[0], [2], [1]], 2).tolist() == [[0, 0, 1], [0, 0, 1], [0, 0, 1]]
    assert prevailing(labels, [[0, 1], [2]], 2.5).shape == (2, 2)
    assert prevailing(labels, [[2], [0, 1]], 1).tolist() == (labels != 2).tolist()


@pytest.mark.parametrize("edge", [2.5, 3.0, 4.7])
def test_squares_keep_the_fraction_of_a_half_plane(edge):
    labels = np.zeros((94, 94), np.uint8)
    labels[:47] = 1
    assert prevailing(labels, [[0], [1]], edge).mean() == pytest.approx(0.5, abs=edge / 94)


def test_degraded_curves_shrink_with_the_factor_and_end_at_a_pixel():
    images = [stripes(12, (240, 240), 0)]
    degraded = Degraded((images,) * 3, [[1]], [0], (4.0, 4.0, 4.0))
    assert degraded(1)[0, 0] == pytest.approx(image_curves(([stripes(3, (60, 60), 0)],) * 3, [[1]])[0, 0])
    assert degraded(0.2) == {}
    assert degraded(100) == {}
    assert Degraded((images,) * 3, [[1]], [0], (4.0, 1.0, 4.0))(0.5).keys() == {(0, 0), (0, 2)}
