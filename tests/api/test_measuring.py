import numpy as np
import pytest

import mesofuse as mf


def test_volumes_and_images_next_to_each_other(fused, pair):
    image = pair.images["zyx"]
    table = mf.measure([fused, image], ["volume-fraction", "surface-area"], reference=image, progress=False)
    assert table.names() == ["result", "image"]
    assert table.reference is table.columns[1]
    for name, share in fused.fractions().items():
        assert table.value("volume-fraction", name, "result") == pytest.approx(share)
    frame = table.to_pandas()
    wanted = table.value("volume-fraction", "pore", "result") / table.value("volume-fraction", "pore", "image") - 1
    assert frame.loc[("volume-fraction", "pore"), "result error"] == pytest.approx(wanted)


def test_textures_are_compared_with_the_reference_which_gets_its_floor(fused, pair):
    table = mf.measure(fused, "pattern-distance", reference=pair.images["zyx"], progress=False)
    assert table.names() == ["image", "result"]
    assert table.value("pattern-distance", "spacing 1 | z", "result") > table.value(
        "pattern-distance", "spacing 1 | z", "image"
    )


def test_the_scan_is_compared_where_the_pair_is_given(fused, pair, model):
    table = mf.measure({"a": fused, "b": pair.images["zyx"]}, ["low-res-consistency"], pair=pair, progress=False)
    violations, agreement = mf.consistency(fused, pair)
    assert table.value("low-res-consistency", "all", "a") == pytest.approx(agreement["all"])
    assert np.mean(violations[...]) == pytest.approx(1 - agreement["all"])
    assert set(agreement) == {"all", "pore + binder", "active"}


def test_unnamed_phases_take_the_names_of_the_others(fused):
    with pytest.warns(mf.Note, match="are taken to be pore, active, binder"):
        table = mf.measure({"named": fused, "bare": np.array(fused)}, progress=False)
    assert table.value("volume-fraction", "binder", "named") == table.value("volume-fraction", "binder", "bare")


@pytest.mark.parametrize(
    ("volumes", "options", "words"),
    [
        (lambda f: f, {"metrics": ["volume-fractions"]}, "volume-fraction"),
        (lambda f: [f, np.eye(8, dtype=int)], {}, "2 phases"),
        (lambda f: [f, mf.volume(np.array(f), phases=["a", "b", "c"])], {}, "a, b, c"),
        (lambda f: [], {}, "nothing to measure"),
    ],
)
def test_a_mistake_is_one_sentence(fused, volumes, options, words):
    with pytest.raises(mf.UserError, match=words):
        mf.measure(volumes(fused), progress=False, **options)
