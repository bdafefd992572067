import math

import numpy as np
import pytest
from mesofuse_statistical import annealing_schedule
from mesofuse_statistical.annealing_schedule import FALL, QUENCH, SMALLEST, Cooling


@pytest.fixture
def calls(monkeypatch):
    """What is asked of `anneal`: moves and temperature; the mean cost of swaps to the worse is 2."""
    made = []

    def anneal(field, constraint, bounds, random, moves, temperature):
        made.append((moves, temperature))
        random += np.uint64(1)
        return moves, 0, moves, 2.0

    monkeypatch.setattr(annealing_schedule, "anneal", anneal)
    return made


def cooled(moves, acceptance):
    cooling = Cooling(moves, acceptance, np.array([0], np.uint64))
    while not cooling.finished:
        cooling.advance(None, None, None)
    return cooling


def test_the_temperature_is_zero_then_falls_then_is_zero(calls):
    cooled(100 * SMALLEST, 0.1)
    temperatures = [t for _, t in calls if t >= 0]
    ends = round(QUENCH * 100)
    assert temperatures[:ends] == temperatures[-ends:] == [0.0] * ends
    falling = temperatures[ends:-ends]
    assert falling[0] == pytest.approx(2 / math.log(10))
    assert falling[-1] == pytest.approx(falling[0] * FALL ** (79 / 80))
    ratios = np.array(falling[1:]) / np.array(falling[:-1])
    assert ratios == pytest.approx(np.full(79, ratios[0]))


def test_swaps_to_the_worse_are_weighed_once_after_the_first_descent(calls):
    cooled(100 * SMALLEST, 0.1)
    assert [i for i, (_, t) in enumerate(calls) if t < 0] == [round(QUENCH * 100)]


def test_without_acceptance_it_only_improves(calls):
    cooled(50 * SMALLEST, 0.0)
    assert {t for _, t in calls} == {0.0}


@pytest.mark.parametrize("moves", [1, SMALLEST + 1, 12_345_678, 10**9])
def test_all_moves_are_done(calls, moves):
    cooling = cooled(moves, 0.3)
    assert cooling.done == sum(m for m, t in calls if t >= 0) == moves


def test_no_moves_are_done_at_once():
    assert Cooling(0, 0.1, np.array([0], np.uint64)).finished
