import pytest

from mesofuse.testing import run_checks


@pytest.mark.parametrize("name", ["Good", "Drawing", "NoScan", "SmallState"])
def test_a_sound_method_passes(failures, name):
    assert failures("method", f"methods:{name}") == {}


def test_what_works_on_whole_volumes_is_not_asked_for_tiles(component):
    statuses = {r.name: r.status for r in run_checks(component("method", "methods:WholeOnly"))}
    assert statuses["tile-is-whole"] == "skip"
    assert "fail" not in statuses.values()


@pytest.mark.parametrize(
    ("name", "check", "text"),
    [
        ("SmallHalo", "tile-is-whole", "differs from the whole volume"),
        ("NoScanSmallHalo", "tile-is-whole", "differs from the whole volume"),
        ("Forgetful", "restores", "the restored model gives other labels"),
        ("Named", "restores", "'name' is of the type <U1, which a package can't hold"),
        ("Picky", "restores", "can't be loaded: little-endian"),
        ("Objects", "restores", "state holds Python objects"),
        ("Unseeded", "same-seed-same-model", "differ in ['share']"),
        ("Stateful", "repeats", "the same tile gives different labels"),
        ("Favouring", "reconstructs", "is not drawn as often as its probability says"),
        ("Shy", "reconstructs", "no probabilities when asked"),
    ],
)
def test_a_fault_is_caught(failure, name, check, text):
    assert text in failure("method", f"methods:{name}", check)
