"""How far a run has come, and when it has settled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesofuse.training.schedule import TAIL, Schedule


def test_the_share_is_that_of_the_budget_which_is_used_up_first():
    schedule = Schedule(100, 2.0)
    assert schedule.fraction(50, 30.0) == 0.5
    assert schedule.fraction(10, 90.0) == 0.75
    assert schedule.fraction(200, 0.0) == 1
    assert Schedule(None, None).fraction(10, 10.0) == 0


def test_a_run_that_has_settled_rises_to_its_end_within_the_tail():
    schedule = Schedule(1000, None)
    schedule.settle(200, 0.0)
    tail = round(TAIL * 200)
    assert schedule.fraction(200, 0.0) == pytest.approx(0.2)
    assert schedule.fraction(200 + tail // 2, 0.0) == pytest.approx(0.6)
    assert schedule.fraction(200 + tail, 0.0) == 1


@given(st.integers(1, 1000), st.integers(0, 1000), st.integers(0, 100))
def test_the_share_never_falls_and_ends_with_the_budget(settled, step, more):
    schedule = Schedule(1000, None)
    schedule.settle(settled, 0.0)
    here, later = schedule.fraction(step, 0.0), schedule.fraction(min(1000, step + more), 0.0)
    assert step / 1000 - 1e-12 <= here <= later + 1e-12
    assert schedule.fraction(1000, 0.0) == 1


@pytest.mark.parametrize(
    ("errors", "settled"),
    [
        ([1.0, 0.8, 0.7, 0.6], False),
        ([1.0, 0.5, 0.5, 0.5], False),
        ([0.5, 0.5, 0.5], False),
        ([0.5, 0.5, 0.5, 0.5], True),
        ([0.9, 0.5, 0.5, 0.5, 0.51], True),
        ([0.5, 0.5, 0.49, 0.49], True),
    ],
)
def test_errors_that_no_longer_fall_settle_a_run(errors, settled):
    schedule = Schedule(100, None, patience=2)
    for error in errors:
        schedule.note(error)
    assert schedule.stopped_falling is settled
    schedule.patience = None
    assert not schedule.stopped_falling


def test_it_ends_once_and_its_state_is_kept():
    schedule = Schedule(1000, None, patience=1)
    schedule.note(1.0)
    schedule.note(1.0)
    assert schedule.stopped_falling
    schedule.settle(300, 5.0)
    assert not schedule.stopped_falling
    again = Schedule(1000, None, patience=1)
    again.load_state(schedule.state())
    assert again.fraction(320, 6.0) == schedule.fraction(320, 6.0) > 0.32
    again.load_state({})
    assert again.fraction(320, 6.0) == 0.32
