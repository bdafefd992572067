import pytest

GOOD = ("critic", "critics:Good")


def test_a_spec_that_imports_torch_is_caught(failure):
    detail = failure(*GOOD, "torch-free-spec", module="torch_plugin")
    assert detail == "importing torch_plugin imports torch; import it where it is used."


def test_a_spec_that_cannot_be_imported_says_why(failure):
    assert "broken on purpose" in failure(*GOOD, "torch-free-spec", module="broken_plugin")


@pytest.mark.parametrize(
    ("options", "check", "text"),
    [
        ("Drifting", "options-round-trip", "the defaults come back from JSON as"),
        ("BadPreset", "options-round-trip", "can't be 0"),
        ("Undescribed", "options-described", "'depth' has no description"),
        ("Required", "options-described", "'depth' has no default"),
        ("Lenient", "options-described", "accept unknown fields"),
    ],
)
def test_faults_of_options_are_caught(failure, options, check, text):
    assert text in failure(*GOOD, check, options=f"tiny_plugin:{options}")
