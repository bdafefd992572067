import pytest

from mesofuse.training import stopwatch
from mesofuse.training.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""
    now = [100.0]
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: now[0])

    def move(seconds):
        now[0] += seconds

    return move


def test_a_part_within_another_is_counted_by_its_own_name_alone(clock):
    watch = Stopwatch("cpu")
    clock(5)
    with watch.part("step"):
        clock(1)
        with watch.part("loss"):
            clock(2)
        clock(4)
    clock(7)
    with watch.part("loss"):
        clock(0.5)
    assert watch.seconds == {"step": 5, "loss": 2.5}


def test_a_part_may_go_on_under_another_name(clock):
    watch = Stopwatch("cpu")
    watch.rename("nothing is running")
    with watch.part("step"):
        with watch.part("losses"):
            clock(1)
            watch.rename("generator")
            clock(2)
        clock(3)
    assert watch.seconds == {"step": 3, "losses": 1, "generator": 2}


def test_the_time_up_to_an_error_is_counted(clock):
    watch = Stopwatch("cpu")

    def fail():
        with watch.part("step"):
            clock(2)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with watch.part("next"):
        clock(1)
    assert watch.seconds == {"step": 2, "next": 1}


def test_a_stopwatch_that_does_not_run_measures_nothing(clock):
    watch = Stopwatch("cpu", running=False)
    with watch.part("step"):
        watch.rename("other")
        clock(2)
    assert watch.seconds == {}
