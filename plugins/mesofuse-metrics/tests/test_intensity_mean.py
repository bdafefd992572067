import numpy as np
import pytest
from mesofuse_metrics.intensity_mean import IntensityMean

from mesofuse.interfaces.metric import MetricContext
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import intensities


def test_conforms_to_the_kit():
    assert_conforms("metric", "intensity-mean")


@pytest.mark.parametrize("content", ["grey", "colour"])
def test_it_is_numpys_of_each_channel(content):
    volume = intensities((9, 8, 7), content)
    found = IntensityMean().measure(volume.array, MetricContext(volume.grid, (), content=content))
    expected = [np.mean(channel) for channel in volume.array.reshape(-1, 9, 8, 7)]
    assert [r.value for r in found] == pytest.approx(expected)
    assert [str(r.label) for r in found] == (["grey"] if content == "grey" else ["red", "green", "blue"])
