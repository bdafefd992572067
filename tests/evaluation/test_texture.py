"""Distances from the image, and the floor next to them in tables."""

import numpy as np

from mesofuse.cli.main import main
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.texture import compares, images_of, with_floors
from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats.catalogue import write_labels


def test_floors_become_the_images_own_values():
    volume, image = blobs((16, 16, 16), 2, seed=1), blobs((3, 40, 40), 2, seed=2)
    measured = measure(volume, ["volume-fraction", "pattern-distance"], images=dict.fromkeys(range(3), image))
    own = measure(image, ["volume-fraction"], stack=True)
    floors = {r.label: r.value for r in measured.results if r.metric == "pattern-distance-floor"}
    volume_part, image_part = with_floors(measured, own)
    assert not any(r.metric.endswith("-floor") for r in (*volume_part.results, *image_part.results))
    assert {r.label: r.value for r in image_part.results if r.metric == "pattern-distance"} == floors
    assert with_floors(measured, image_part)[1].results == image_part.results  # a second volume changes nothing


def test_a_volume_is_its_own_planes_and_a_stack_stands_for_all():
    volume = blobs((6, 7, 8), 2)
    found = images_of(volume, stack=False)
    assert [found[a].array.shape for a in range(3)] == [(6, 7, 8), (7, 6, 8), (8, 6, 7)]
    assert np.array_equal(found[2].array[3], volume.array[:, :, 3])
    stack = images_of(volume, stack=True)
    assert stack[0] is stack[1] is stack[2]


def test_which_metrics_compare_with_the_image():
    assert compares(["volume-fraction", ("pattern-distance", {"spacings": (1,)})])
    assert not compares(["volume-fraction", "surface-area"])


def test_measure_compares_with_a_reference_image_and_with_a_thin_stack(tmp_path, capsys):
    volume, image, stack = (str(tmp_path / f"{name}.tif") for name in ("volume", "image", "stack"))
    write_labels(blobs((16, 16, 16), 2, seed=1), volume)
    write_labels(blobs((1, 40, 40), 2, seed=2), image)
    write_labels(blobs((4, 40, 40), 2, seed=3), stack)
    for reference in (image, stack):
        assert main(["measure", volume, "--reference", reference, "--metrics", "pattern-distance"]) == 0
        captured = capsys.readouterr()
        assert "spacing 1 | x" in captured.out
        assert ("4 planes are taken as separate images" in captured.err) == (reference == stack)
