import pytest

from mesofuse.testing import run_checks


@pytest.mark.parametrize("name", ["Good", "NonInteger", "NoScan"])
def test_a_sound_generator_passes(component, name):
    results = run_checks(component("generator", f"generators:{name}"))
    assert [str(r) for r in results if r.status != "pass"] == []
    assert all(not r.detail for r in results if r.name == "halo")


@pytest.mark.parametrize(
    ("name", "check", "text"),
    [
        ("SmallHalo", "halo", "halo declared (1, 0, 1), measured (1, 1, 1)"),
        ("SmallHalo", "tile-is-whole", "differs from the whole volume"),
        ("Global", "halo", "measured (3, 3, 3) or more"),
        ("Random", "repeats", "two calls with one input differ"),
        ("Unseeded", "same-seed-same-module", "leave.bias differs between two builds"),
        ("InPlaceField", "input-unchanged", "changes its input 0 in place"),
        ("InPlaceNoise", "input-unchanged", "changes its input 2 in place"),
        ("ExtraPhase", "probabilities", "its shape is (1, 3, 10, 12, 10), not (1, 2, 10, 12, 10)"),
        ("NotNormed", "probabilities", "sum to 1 only within 0.1"),
        ("Double", "float32", "torch.float64, not float32"),
        ("Hidden", "device", "kernel stays behind; register it as a buffer"),
        ("Unpicklable", "pickle", "pickle"),
        ("DeadWeight", "gradient", "no gradient reaches unused"),
        ("WrongCore", "tile-is-whole", "(core) differs from the whole volume"),
        ("NoMemory", "declares", "activation_bytes is 0"),
        ("NoScanPadded", "halo", "halo declared (1, 1, 1), measured (2, 2, 2)"),
        ("NoScanPadded", "tile-is-whole", "(core) differs from the whole volume"),
        ("NoScanUneven", "declares", "its scale (1.5, 2.0, 2.0) is not three whole numbers"),
    ],
)
def test_a_fault_is_caught(failure, name, check, text):
    assert text in failure("generator", f"generators:{name}", check)


def test_a_halo_that_is_too_large_passes_with_a_remark(component):
    (result,) = [r for r in run_checks(component("generator", "generators:LargeHalo")) if r.name == "halo"]
    assert result.status == "pass"
    assert result.detail.endswith("halo declared (1, 3, 1), measured (1, 1, 1): larger than needed.")
