import pytest


@pytest.mark.parametrize("name", ["Good", "Stated"])
def test_a_sound_degradation_passes(failures, name):
    assert failures("degradation", f"degradations:{name}") == {}


@pytest.mark.parametrize(
    ("name", "check", "text"),
    [
        ("SmallHalo", "halo", "halo declared (0, 0, 0), measured (0, 0, 1)"),
        ("SmallHalo", "window-is-whole", "differs from the whole"),
        ("BatchMixing", "batch-independent", "alone and in a batch differ"),
        ("Hard", "gradient", "raised RuntimeError"),
        ("Swapped", "uniform", "phase 0 alone is not seen as 0"),
        ("OtherShares", "shares", "shares choose another phase than the strengths"),
        ("NoPlanes", "planar", "a plane's result is not finite"),
        ("HighPhases", "strengths", "not (2, 2, 5, 6, 5)"),
    ],
)
def test_a_fault_is_caught(failure, name, check, text):
    assert text in failure("degradation", f"degradations:{name}", check)
