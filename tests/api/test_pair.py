import numpy as np
import pytest

import mesofuse as mf

SHOWS = {0: ["pore", "binder"], 1: "active"}


def test_it_says_what_is_fused_with_what(pair):
    assert "pore + binder, active" in repr(pair)
    assert "scale factor 4" in repr(pair)
    assert "<b>scan</b>" in pair._repr_html_()
    assert pair.scan.phases == ("pore + binder", "active")
    assert pair.inputs.problem.scale == (4, 4, 4)


def test_the_checks_print_as_a_line_each(pair):
    checks = pair.preflight()
    lines = str(checks).splitlines()
    assert len(lines) == len(checks.checks)
    assert all(check.name in line for check, line in zip(checks.checks, lines, strict=True))
    assert repr(checks) == f"<{len(lines)} checks, {len(checks.warnings)} warnings>"
    assert checks._repr_html_().count("<tr>") == len(lines)


def test_sizes_in_unlike_units_give_the_scale_factor(arrays):
    scan = mf.volume(arrays[0], voxel_size=0.8, unit="um")
    image = mf.image(arrays[1], phases=["pore", "active", "binder"], pixel_size=200, unit="nm")
    with pytest.warns(mf.Note, match="scale factor is 4"):
        pair = mf.Pair(scan, image, shows=SHOWS)
    assert pair.inputs.problem.scale == (4, 4, 4)
    assert pair.job(method={"name": "interpolation"}).scale == (4, 4, 4)


def test_images_by_axes(arrays):
    image = mf.image(arrays[1], phases=["pore", "active", "binder"])
    other = mf.image(arrays[1].T.copy(), phases=["pore", "active", "binder"])
    pair = mf.Pair(arrays[0], {"zy": image, "x": other}, scale=4, shows=SHOWS)
    assert np.array_equal(pair.inputs.images[2].array[0], arrays[1].T)
    assert pair.inputs.images[0] is pair.inputs.images[1]
    assert "image normal to z, y" in pair._repr_html_()


def test_a_pair_without_a_scan(arrays):
    pair = mf.Pair(None, mf.image(arrays[1], pixel_size=0.1, unit="um"))
    assert pair.inputs.low_res is None
    assert pair.inputs.image.grid.voxel_size[1:] == (0.1, 0.1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda s, i: mf.Pair(s, i), "scale"),
        (lambda s, i: mf.Pair(s, i, scale=4, shows={0: ["pore"], 1: ["aktive"]}), "aktive"),
        (lambda s, i: mf.Pair(s, i, scale=4, shows=[1]), "give a mapping"),
        (lambda s, i: mf.Pair(None, i, scale=4), "describe a scan"),
        (lambda s, i: mf.Pair(s, {"z": i, "x": i}, scale=4), "y"),
        (lambda s, i: mf.Pair(i, s, scale=4), "2D image"),
        (lambda s, i: mf.Pair(s, {"zy": i, "x": mf.image(np.array(i)[0])}, scale=4), "different ways"),
    ],
)
def test_a_mistake_is_one_sentence_in_the_words_of_python(arrays, make, words):
    image = mf.image(arrays[1], phases=["pore", "active", "binder"])
    with pytest.raises(mf.UserError, match=words) as caught:
        make(arrays[0], image)
    assert "--" not in str(caught.value)


def test_numbers_may_be_numpys_and_phases_may_be_said_by_label(arrays):
    scan = mf.volume(arrays[0], voxel_size=np.array([0.8, 0.8, 0.8]), unit="um")
    image = mf.image(arrays[1], phases=["pore", "active", "binder"])
    pair = mf.Pair(scan, image, scale=np.int64(4), shows={np.int64(0): [0, np.int64(2)], 1: 1})
    assert pair.inputs.problem.match.shows == ((0, 2), (1,))
    assert scan.voxel_size == (0.8, 0.8, 0.8)
    assert mf.Pair(scan, image, scale=np.array([4, 4, 4])).inputs.problem.scale == (4, 4, 4)
