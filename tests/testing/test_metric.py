import pytest

from mesofuse.testing import run_checks


@pytest.mark.parametrize("name", ["Good", "Additive"])
def test_a_sound_metric_passes(failures, name):
    assert failures("metric", f"metrics:{name}") == {}


def test_what_takes_whole_volumes_need_not_add_up(component):
    statuses = {r.name: r.status for r in run_checks(component("metric", "metrics:Good"))}
    assert statuses["adds-up"] == "skip"


@pytest.mark.parametrize(
    ("name", "check", "text"),
    [
        ("Seams", "adds-up", "counts 'steps' of pieces of (12, 10, 4) add up to"),
        ("OddName", "results", "'Odd name' is not lower-case words"),
        ("NoLabel", "results", "does not say what it is of"),
        ("Infinite", "missing-phases", "the value is -inf"),
        ("Numpy", "results", "is no Python float"),
        ("InPlace", "input-unchanged", "changes the labels"),
        ("Random", "repeats", "two results"),
        ("Backwards", "results", "x does not increase"),
        ("Undocumented", "documented", "does not state its formula"),
    ],
)
def test_a_fault_is_caught(failure, name, check, text):
    assert text in failure("metric", f"metrics:{name}", check)
