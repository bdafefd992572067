"""The six faults that the kit promises to catch, each planted in a component that is sound otherwise."""

import pytest

GENERATOR = ("generator", "generators:Good")

# fault: what is checked, options, module, the check that is there for it, what it says
FAULTS = {
    "wrong halo": (
        ("generator", "generators:SmallHalo"), {},
        "halo", "halo declared (1, 0, 1), measured (1, 1, 1) or more; declare more.",
    ),
    "non-determinism": (
        ("generator", "generators:Random"), {},
        "repeats", "two calls with one input differ.",
    ),
    "in-place change of its input": (
        ("generator", "generators:InPlaceField"), {},
        "input-unchanged", "it changes its input 0 in place.",
    ),
    "options that don't round-trip": (
        GENERATOR, {"options": "tiny_plugin:Drifting"},
        "options-round-trip", "the defaults come back from JSON as",
    ),
    "wrong phase count": (
        ("generator", "generators:ExtraPhase"), {},
        "probabilities", "its shape is (1, 3, 10, 12, 10), not (1, 2, 10, 12, 10).",
    ),
    "torch imported in the spec": (
        GENERATOR, {"module": "torch_plugin"},
        "torch-free-spec", "importing torch_plugin imports torch; import it where it is used.",
    ),
}  # fmt: skip


def test_what_has_none_of_them_passes(failures):
    assert failures(*GENERATOR) == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_caught_by_its_check(failures, fault):
    component, how, check, text = FAULTS[fault]
    found = failures(*component, **how)
    assert text in found.get(check, ""), f"{fault} is not caught by {check!r}, only by {found}"
