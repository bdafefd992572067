import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib import pyplot

import mesofuse as mf


@pytest.fixture(autouse=True)
def _closed():
    yield
    pyplot.close("all")


def test_a_slice_of_each_in_its_phases_colours_and_to_scale(fused, pair):
    axes = mf.plot.slices(fused, pair.scan, pair.images["zyx"], axis="y")
    assert [a.get_title() for a in axes] == ["result", "scan", "image"]
    drawn = axes[0].images[0].get_array()
    middle = fused[:, fused.shape[1] // 2]
    colors = np.array([p.rgb for p in fused.labels.phases])
    assert np.array_equal(drawn, colors[middle])
    assert axes[0].images[0].get_extent() == pytest.approx([0, 40 * 0.2, 36 * 0.2, 0])
    assert axes[0].get_ylabel() == "z (µm)"
    assert {t.get_text() for t in axes[-1].get_legend().get_texts()} >= {"pore", "active", "binder"}


def test_it_draws_into_axes_that_are_given(fused):
    _, own = pyplot.subplots()
    assert mf.plot.slices(fused, axes=own, legend=False) == [own]
    assert own.get_legend() is None


def test_curves_of_a_table(fused):
    table = mf.measure(fused, [("two-point-correlation", {"lags": 4})], progress=False)
    axes = mf.plot.curves(table, "two-point-correlation", of="pore | z")
    (line,) = axes.lines
    assert line.get_xdata()[0] == 0
    with pytest.raises(mf.UserError, match="it has two-point-correlation"):
        mf.plot.curves(table, "chord-length")


@pytest.mark.parametrize(
    ("volumes", "options", "words"),
    [
        (0, {}, "nothing to draw"),
        (1, {"axis": "w"}, "z, y or x"),
        (1, {"at": 2}, "from 0 to 1"),
        (2, {"axes": [1]}, "1 axes"),
    ],
)
def test_a_mistake_is_one_sentence(fused, volumes, options, words):
    with pytest.raises(mf.UserError, match=words):
        mf.plot.slices(*[fused] * volumes, **options)
