import pytest


def test_a_sound_loss_passes(failures):
    assert failures("loss", "losses:Good") == {}


@pytest.mark.parametrize(
    ("name", "check", "text"),
    [
        ("NoTerm", "terms", "no term on either side"),
        ("Vector", "terms", "the critic's term is no scalar"),
        ("NotFinite", "terms", "the generator's term is"),
        ("Random", "repeats", "two critic terms of one step differ"),
        ("InPlace", "input-unchanged", "changes an input in place"),
        ("Unpicklable", "pickle", "pickle"),
    ],
)
def test_a_fault_is_caught(failure, name, check, text):
    assert text in failure("loss", f"losses:{name}", check)
