import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labelling import LabelMapping, to_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.same_phases import check_shown_by_number, numbers, open_alike

NAMES = ("pore", "active", "binder")


def reader(**files):
    """Return what opens files of the given values, named by the file where the values are names."""

    def read(path, names):
        values = files[path]
        if isinstance(values[0], str):
            labels = np.arange(len(values), dtype=np.uint8).reshape(1, 1, -1)
            return LabelArray(labels, Grid(labels.shape), default_phases(len(values), values)), LabelMapping(
                tuple(range(len(values)))
            )
        return to_labels(RawImage(np.array(values)[None], path), phase_names=names, allow_single_phase=True)

    return read


def phases(opened):
    return {path: [p.name for p in volume.phases] for path, (volume, _) in opened.items()}


def test_a_missing_phase_and_odd_values_are_refused():
    with pytest.raises(UserError, match=r"different numbers of phases \(a has 3, b has 2\).*--phases"):
        open_alike(["a", "b"], reader(a=[0, 1, 2], b=[0, 1]))
    with pytest.raises(UserError, match=r"different values \(a has 0, 1, 2; b has 1, 3, 5\).*--phases"):
        open_alike(["a", "b"], reader(a=[0, 1, 2], b=[1, 3, 5]))


def test_codes_of_grey_are_taken_in_their_order():
    opened = open_alike(["a", "b"], reader(a=[0, 1, 2], b=[0, 128, 255]))
    assert opened["b"][1].originals == (0, 128, 255)
    with pytest.raises(UserError, match="different numbers"):
        open_alike(["a", "b"], reader(a=[0, 1, 2], b=[0, 255]))


def test_the_users_names_say_which_is_which():
    opened = open_alike(["a", "b", "c"], reader(a=[0, 1, 2], b=[0, 2], c=[1, 3, 5]), NAMES)
    assert set(map(tuple, phases(opened).values())) == {NAMES}
    assert opened["b"][0].array.max() == 2
    assert str(opened["c"][1]) == "1→0, 3→1, 5→2"


def test_a_files_names_are_taken_for_labels_alone():
    opened = open_alike(["a", "b"], reader(a=NAMES, b=[0, 2]))
    assert phases(opened)["b"] == list(NAMES)
    assert phases(open_alike(["a", "b"], reader(a=NAMES, b=[0, 128, 255])))["b"] == list(NAMES)
    for values in ([1, 3, 5], [0, 255], [1, 2, 3]):
        with pytest.raises(UserError, match=r"b has the values .* which of the 3 phases"):
            open_alike(["a", "b"], reader(a=NAMES, b=values))


def test_what_is_open_already_counts():
    beside = {"image": reader(image=[0, 1, 2])("image", ())}
    with pytest.raises(UserError, match="image has 3, b has 2"):
        open_alike(["b"], reader(b=[0, 1]), beside=beside)
    assert list(open_alike(["b"], reader(b=[0, 1, 2]), beside=beside)) == ["b"]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=4, unique=True).map(sorted))
def test_numbers_are_below_the_codes_of_grey(values):
    assert numbers(LabelMapping(tuple(values))) == (tuple(values) if max(values) < 32 else None)


def test_a_scan_is_matched_by_number_only_where_the_numbers_are_the_same():
    check_shown_by_number("scan", LabelMapping((0, 1)), LabelMapping((0, 1, 2)))
    check_shown_by_number("scan", LabelMapping((1, 2)), LabelMapping((1, 2, 3)))
    check_shown_by_number("scan", LabelMapping((0, 255)), LabelMapping((0, 1, 2)))
    for low in ((0, 2), (1, 2)):
        with pytest.raises(UserError, match="--shows"):
            check_shown_by_number("scan", LabelMapping(low), LabelMapping((0, 1, 2)))
