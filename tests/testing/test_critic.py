import pytest


def test_a_sound_critic_passes(failures):
    assert failures("critic", "critics:Good") == {}


@pytest.mark.parametrize(
    ("name", "check", "text"),
    [
        ("Column", "scores", "shape is (3, 1), not (3,)"),
        ("Blind", "scores", "all get the same score"),
        ("InPlace", "input-unchanged", "changes its input 0 in place"),
        ("Detached", "double-backward", "raised"),
    ],
)
def test_a_fault_is_caught(failure, name, check, text):
    assert text in failure("critic", f"critics:{name}", check)
