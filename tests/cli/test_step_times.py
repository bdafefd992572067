from mesofuse.cli.step_times import table
from mesofuse.interfaces.events import StepTimes


def test_the_longest_part_is_first_and_shares_add_up():
    first, *rows = table(StepTimes(20, {"loss patterns": 1.0, "generator": 3.0})).splitlines()
    assert first == "20 steps in 4.0 s (5.00 a second):"
    assert [row.split() for row in rows] == [
        ["generator", "150.0", "ms", "a", "step", "75.0", "%"],
        ["loss", "patterns", "50.0", "ms", "a", "step", "25.0", "%"],
    ]


def test_a_run_without_a_step_says_so():
    assert table(StepTimes(0, {})) == "No step was made, so there is nothing to profile."
