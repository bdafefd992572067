import numpy as np
import pytest
from mesofuse_metrics.histogram_distance import HistogramDistance

from mesofuse.interfaces.metric import MetricContext
from mesofuse.testing import assert_conforms
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray


def test_conforms_to_the_kit():
    assert_conforms("metric", "histogram-distance")


def stack(array):
    return LabelArray(array, Grid(array.shape[-3:]), ())


def distances(volume, images):
    context = MetricContext(Grid(volume.shape[-3:]), (), images=dict(enumerate(images)), content="grey")
    return {str(r.label): r.value for r in HistogramDistance().measure(volume, context)}


def test_it_is_the_mean_difference_of_the_sorted_values():
    rng = np.random.default_rng(0)
    volume, image = (rng.integers(low, high, (1, 20, 20)).astype(np.uint8) for low, high in ((0, 200), (30, 256)))
    expected = np.abs(np.sort(volume.ravel()).astype(int) - np.sort(image.ravel())).mean()
    assert distances(volume, (stack(image),) * 3) == {"grey": pytest.approx(expected)}


def test_a_shift_is_its_distance_from_each_image():
    volume = np.tile(np.arange(100, dtype=np.uint8), 80).reshape(20, 20, 20)
    own, brighter = stack(volume), stack(volume + np.uint8(25))
    found = distances(volume, (own, own, brighter))
    assert found == {"grey (normal to z, y)": 0, "grey (normal to x)": pytest.approx(25)}
