"""Images for several directions: named, averaged and compared by what they show."""

import numpy as np
import pytest

from mesofuse.evaluation import directions as sections
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.subvolumes import sample
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

METRICS = ["volume-fraction", "surface-area", "triple-phase-boundary", "chord-length"]


def labels(array, voxel=(1.0, 1.0, 1.0), unit="micrometer", names=("pore", "solid")):
    return LabelArray(array, Grid(array.shape, voxel, unit), default_phases(len(names), names))


def random_volume(shape=(12, 14, 16), phases=2):
    return np.random.default_rng(0).integers(0, phases, shape, dtype=np.uint8)


@pytest.mark.parametrize("normal", [0, 1, 2])
def test_planes_are_read_as_they_lie(normal):
    array = random_volume()
    planes = sections.Planes(labels(array, (1.0, 2.0, 3.0)), normal)
    whole = np.moveaxis(array, normal, 0)
    assert planes.grid.shape == whole.shape
    assert planes.grid.voxel_size[0] == normal + 1
    part = Region((1, 2, 3), (3, 7, 9))
    assert (planes.read(part) == whole[part.slices]).all()


def test_labels_say_which_way_they_run():
    assert sections.in_planes("pore | y", "x") == "pore | z (normal to x)"
    assert sections.in_planes("pore | x", "zy") == "pore | x (normal to z, y)"
    assert sections.in_planes("pore | y", "zy") == "pore | z/y (normal to z, y)"
    assert sections.in_planes("pore | solid", "x") == "pore | solid (normal to x)"


def as_images(array):
    """All planes of a volume normal to each axis, as three images."""
    volume = labels(array)
    return {
        axis: LabelArray(np.moveaxis(array, i, 0), sections.Planes(volume, i).grid, volume.phases)
        for i, axis in enumerate("zyx")
    }


def test_mean_of_a_cubes_own_planes_is_the_cubes_own_value():
    array = random_volume((13, 13, 13), 3)
    names = ("pore", "active", "binder")
    images = {a: LabelArray(i.array, i.grid, default_phases(3, names)) for a, i in as_images(array % 2).items()}
    images = {a: LabelArray(np.moveaxis(array, k, 0), i.grid, i.phases) for k, (a, i) in enumerate(images.items())}
    volume = measure(labels(array, names=names), METRICS)
    found = sections.mean_of_whole({a: measure(i, METRICS, stack=True) for a, i in images.items()}, "image")
    mean = {(m.metric, m.label): m.value for m in found.results}
    for value in volume.results:
        if hasattr(value, "value"):
            assert mean[value.metric, value.label] == pytest.approx(value.value, rel=1e-9), value
    assert {"pore | y/x (normal to z)", "pore | z (normal to x)"} & {label for _, label in mean}


def test_layers_are_long_within_and_thin_across():
    """Layers normal to z: images normal to y and x show them cut, those normal to z show one phase or the other."""
    array = np.zeros((16, 16, 16), np.uint8)
    array[(np.arange(16) // 4) % 2 == 1] = 1
    images = as_images(array)
    groups = {"z": images["z"], "yx": images["y"]}
    found = sections.mean_of_whole(
        {axes: measure(image, ["surface-area", "chord-length"], stack=True) for axes, image in groups.items()}, "image"
    )
    values = {(m.metric, m.label): m.value for m in found.results}
    assert values["surface-area", "pore | solid (normal to z)"] == 0
    assert values["surface-area", "pore | solid (normal to y, x)"] > 0
    measured = measure(labels(array), ["surface-area", "chord-length"]).results
    volume = {(m.metric, m.label): m for m in measured if hasattr(m, "value")}
    surface = volume["surface-area", "pore | solid"]
    assert values["surface-area", "pore | solid"] == pytest.approx(surface.value)
    assert values["chord-length", "pore | z"] == pytest.approx(volume["chord-length", "pore | z"].value)


def test_samples_pool_planes_and_average_images():
    array = random_volume((20, 20, 20))
    images = as_images(array)
    groups = {"zy": images["z"], "x": images["x"]}
    settings = {"size": 8, "count": 6, "stack": True}
    found = {axes: sample(image, METRICS, **settings) for axes, image in groups.items()}
    mean = sections.mean_of_images(found)
    key = ("volume-fraction", "pore")
    assert np.allclose(mean.values[key], (2 * found["zy"].values[key] + found["x"].values[key]) / 3)
    assert (mean.values["volume-fraction", "pore (normal to x)"] == found["x"].values[key]).all()
    volume = labels(array)
    parts = [sample(sections.Planes(volume, i), METRICS, **settings) for i in (0, 1)]
    pooled = sections.pooled(parts, "zy")
    own = pooled.values["volume-fraction", "pore (normal to z, y)"]
    assert (own[::2] == parts[0].values[key][::2]).all()
    assert (own[1::2] == parts[1].values[key][1::2]).all()
    assert ("surface-area", "pore | solid (normal to z, y)") in pooled.per_voxel
    assert pooled.units[("chord-length", "pore | x (normal to z, y)")] == "µm"


def test_images_of_unequal_pixels_share_no_voxel_based_mean():
    one, other = labels(random_volume((1, 16, 16))), labels(random_volume((1, 16, 16)), (1.0, 0.5, 0.5))
    found = {"zy": measure(one, METRICS, stack=True), "x": measure(other, METRICS, stack=True)}
    mean = sections.mean_of_whole(found, "image")
    metrics = {m.metric for m in mean.results}
    assert "surface-area" not in metrics
    assert "pixel size" in mean.skipped["surface-area"]
    assert {"volume-fraction", "chord-length"} <= metrics


def test_a_phase_may_be_called_like_an_axis():
    """Its chords along y are not taken for those of something along two directions, nor its area for one along x."""
    array = random_volume((13, 13, 13))
    named = {names: labels(array, names=names) for names in (("pore", "solid"), ("pore", "x"))}
    found = {}
    for names, volume in named.items():
        images = {a: LabelArray(i.array, i.grid, volume.phases) for a, i in as_images(array).items()}
        mean = sections.mean_of_whole({a: measure(i, METRICS, stack=True) for a, i in images.items()}, "image")
        found[names] = [
            (m.metric, m.label.parts, m.label.along, m.label.normals, m.value) for m in mean.results
        ]  # fmt: skip
    plain, like_axis = found.values()
    renamed = [(a, tuple("x" if p == "solid" else p for p in parts), *rest) for a, parts, *rest in plain]
    assert renamed == like_axis
    assert ("surface-area", ("pore", "x"), "", "") in [entry[:4] for entry in like_axis]
    assert ("chord-length", ("x",), "x", "") in [entry[:4] for entry in like_axis]
