from __future__ import annotations

import math

import numpy as np
import pytest

from mesofuse.evaluation.subvolumes import Sampled
from mesofuse.figures import plots
from mesofuse.interfaces.metric import Curve, Measured, Measurement
from mesofuse.reporting.html import Plate, figure_bytes
from mesofuse.volumes.grid import Grid, Region

GRID = Grid((32, 32, 32), (0.1,) * 3, "micrometer")
REGION = Region((0, 0, 0), (8, 8, 8))
COLORS = {"one": "#d55e00", "two": "#0072b2"}


def sampled(name, values, key=("m", "pore"), unit="µm⁻¹"):
    return Sampled(name, GRID, [REGION] * len(values), {key: np.array(values, float)}, {key: unit}, independent=4.0)


def lines_of(axes):
    return [line for line in axes.get_lines() if len(line.get_xdata()) == 2]


def test_violins_have_one_width_their_mean_and_the_images_plus():
    rng = np.random.default_rng(0)
    one, two = sampled("one", rng.normal(5, 1, 40)), sampled("two", rng.normal(8, 0.1, 40))
    image = sampled("image", [6000.0, 6002.0], unit="m⁻¹")  # another unit of the same kind
    image.values = {("m", "pore"): np.array([6e6, 6e6])}
    figure = plots.violins([one, two], image, "m", COLORS)
    axes = figure.axes[0]
    widths = [np.ptp(c.get_paths()[0].vertices[:, 0]) for c in axes.collections]
    assert widths == pytest.approx([0.72, 0.72])
    means = [line.get_ydata()[0] for line in lines_of(axes) if line.get_marker() == "None"]
    assert means == pytest.approx([one.values["m", "pore"].mean(), two.values["m", "pore"].mean()])
    (plus,) = [line for line in axes.get_lines() if line.get_marker() == "+"]
    assert list(plus.get_ydata()) == pytest.approx([6.0, 6.0])
    assert plus.get_color() == "black"


def test_constant_and_infinite_values_are_drawn_without_a_violin():
    figure = plots.violins([sampled("one", [1.0] * 5), sampled("two", [math.inf] * 5)], None, "m", COLORS)
    assert not figure.axes[0].collections
    assert "none\nfinite" in [t.get_text() for t in figure.axes[0].texts]


def curve(metric, y, step=0.1):
    x = tuple(step * (i + 1) for i in range(len(y)))
    return Curve(metric, "pore | radial", x, tuple(y), "µm", "")


def test_a_distribution_that_has_ended_is_zero_and_a_correlation_is_unknown():
    x, mean, _ = plots.band([curve("chord-length", [1.0, 1.0]), curve("chord-length", [1.0, 1.0, 1.0, 1.0])])
    assert list(mean) == [1, 1, 0.5, 0.5]
    x, mean, spread = plots.band(
        [curve("two-point-correlation", [0.2, 0.4]), curve("two-point-correlation", [0.4] * 4)]
    )
    assert list(x) == pytest.approx([0.1, 0.2])
    assert list(mean) == pytest.approx([0.3, 0.4])
    assert list(spread) == pytest.approx([0.1, 0.0])


def test_curves_per_axis_and_training_are_drawn():
    one = sampled("one", [1.0, 2.0, math.inf], key=("tau", "pore | z"))
    one.curves = {("two-point-correlation", "pore | radial"): [curve("two-point-correlation", [0.5, 0.3])] * 2}
    axes = plots.curves([one], None, "two-point-correlation", "radial", COLORS, "S2").axes[0]
    assert axes.get_xlabel() == "distance / µm"
    bars = plots.per_axis([one], "tau", COLORS, "tau").axes[0]
    assert bars.patches[0].get_height() == pytest.approx(1.5)
    assert "67%" in [t.get_text() for t in bars.texts]
    rows = [{"step": float(i), "critic": 1.0} | ({"error": 0.1} if i == 5 else {}) for i in range(10)]
    titles = [a.get_title(loc="left") or a.get_title() for a in plots.training(rows).axes]
    assert titles[:2] == ["critic", "error"]


def test_textures_are_bars_beside_the_floor_of_the_image():
    def measured(name, values):
        results = [Measurement("pattern-distance", f"spacing {s} | {a}", v, "bit") for (s, a), v in values.items()]
        return Measured(name, Grid((8, 8, 8)), results)

    keys = [(s, a) for s in (1, 2) for a in "zyx"]
    volume = measured("fused", {key: 0.1 + 0.01 * i for i, key in enumerate(keys)})
    image = measured("image", dict.fromkeys(keys, 0.05))
    figure = plots.textures([volume], image, "pattern-distance", {"fused": "red"}, "bit")
    one, other = figure.axes[:2]
    assert [bar.get_height() for bar in one.patches] == pytest.approx([0.1, 0.11, 0.12])
    assert [bar.get_height() for bar in other.patches] == pytest.approx([0.13, 0.14, 0.15])
    assert [line.get_ydata()[0] for line in one.lines] == [0.05] * 3
    assert [t.get_text() for t in one.get_xticklabels()] == ["normal to z", "normal to y", "normal to x"]


def test_agreement_paints_what_disagrees():
    labels, right = np.zeros((4, 4), np.uint8), np.ones((4, 4), bool)
    right[1, 2] = False
    figure = plots.agreement([("one", labels, right)], np.array([[0, 0, 0]], np.uint8))
    picture = figure.axes[0].get_images()[0].get_array()
    assert tuple(picture[1, 2]) == (213, 94, 0)
    assert (picture != (213, 94, 0)).any(axis=-1).sum() == 15


def test_figures_are_the_same_bytes_each_time():
    def make(kind):
        plate = Plate("x", "X", "", plots.violins([sampled("one", [1.0, 2.0, 4.0])], None, "m", COLORS))
        return figure_bytes(plate.figure, kind)

    assert make("svg") == make("svg")
    assert make("pdf").startswith(b"%PDF")
