"""Metropolis moves: swaps of two voxels at interfaces that keep what the scan shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesofuse_statistical.annealing_energy import (
    HOME,
    OUTSIDE,
    pairs_apply,
    pairs_cost,
    paths_apply,
    paths_cost,
    patterns_cost,
    patterns_of,
    patterns_screen,
    patterns_undo,
    patterns_write,
)
from mesofuse_statistical.annealing_scan import swap, swap_back
from mesofuse_statistical.compiled import compiled

EDGE = 24
"""Voxels along a box, in two of which all moves take place for a while, so that what they read stays near."""
LEAST = 64
"""Moves in a pair of boxes, at least."""
TRIES = 48
"""How often a voxel is drawn before a move is given up."""
WILD = 32
"""One move in so many does not ask whether its voxels lie at interfaces."""
LEARNING = 2000
"""Moves that are weighed in full, from which is learnt when to give a move up before all of its cost is known."""
BEST = 40
"""Of these, so many of the lowest cost are such as must pass all tests."""
USEFUL = 0.8
"""A test that lets more than this share of moves pass is left out."""
BITS = 21
"""Bits of a coordinate in a packed position."""


@compiled()
def _next(state: Any) -> Any:
    """Return the next 64 random bits: SplitMix64 (Steele, Lea and Flood 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@compiled()
def draw(state: Any, below: Any) -> Any:
    """Return a random whole number from 0 to ``below`` − 1."""
    return np.int64(((_next(state) >> np.uint64(32)) * np.uint64(below)) >> np.uint64(32))


@compiled()
def _home(to: Any, at: Any, i: Any) -> Any:
    """Return where a voxel is in the lines of the direction ``HOME``."""
    return to[HOME, 0] + at[i, 0] * to[HOME, 1] + at[i, 1] * to[HOME, 2] + at[i, 2] * to[HOME, 3]


@compiled()
def _beside(to: Any, way: Any) -> Any:
    """Return how far one of the six neighbours is from a voxel there."""
    step = to[HOME, 1 + (way >> 1)]
    return -step if way & 1 else step


@compiled()
def _touches(lines: Any, to: Any, place: Any, phase: Any) -> Any:
    found = False
    for way in range(6):
        found |= lines[place + _beside(to, way)] == phase
    return found


@compiled()
def _locate(packed: Any, at: Any, i: Any) -> None:
    mask = (1 << BITS) - 1
    at[i, 0], at[i, 1], at[i, 2] = packed >> 2 * BITS, packed >> BITS & mask, packed & mask


@compiled()
def _anywhere(boxes: Any, state: Any, at: Any, i: Any) -> None:
    box = draw(state, len(boxes))
    for axis in range(3):
        at[i, axis] = boxes[box, 0, axis] + draw(state, boxes[box, 1, axis] - boxes[box, 0, axis])


@compiled()
def _place_boxes(bounds: Any, state: Any, boxes: Any) -> None:
    """Draw boxes so that each voxel within bounds is as likely in one; at the sides boxes are cut."""
    for i in range(len(boxes)):
        for axis in range(3):
            low, high = bounds[0, axis], bounds[1, axis]
            start = low - EDGE + 1 + draw(state, high - low + EDGE - 1)
            boxes[i, 0, axis], boxes[i, 1, axis] = max(low, start), min(high, start + EDGE)


@compiled()
def _list_interfaces(lines: Any, to: Any, boxes: Any, kinds: Any, order: Any, starts: Any) -> Any:
    """List the voxels of boxes that border on another phase, sorted by phase, and return how many there are."""
    deep, wide = to[HOME, 1], to[HOME, 2]
    starts[:] = 0
    seen = 0
    for i in range(len(boxes)):
        for z in range(boxes[i, 0, 0], boxes[i, 1, 0]):
            for y in range(boxes[i, 0, 1], boxes[i, 1, 1]):
                row = to[HOME, 0] + z * deep + y * wide
                for x in range(boxes[i, 0, 2], boxes[i, 1, 2]):
                    place = row + x
                    own = lines[place]
                    mixed = False
                    for other in (
                        lines[place - 1], lines[place + 1], lines[place - wide], lines[place + wide],
                        lines[place - deep], lines[place + deep],
                    ):  # fmt: skip
                        mixed |= other != own and other != OUTSIDE
                    if mixed and own != OUTSIDE:
                        kinds[seen] = own
                        order[seen] = (z << 2 * BITS) | (y << BITS) | x
                        starts[own + 1] += 1
                        seen += 1
    for phase in range(len(starts) - 1):
        starts[phase + 1] += starts[phase]
    free = starts[:-1].copy()
    for phase in range(len(free)):
        while free[phase] < starts[phase + 1]:
            here = free[phase]
            own = kinds[here]
            there = free[own]
            free[own] += 1
            if own != phase:
                kinds[here], kinds[there] = kinds[there], kinds[here]
                order[here], order[there] = order[there], order[here]
    return seen


@compiled()
def _propose(lines: Any, to: Any, boxes: Any, order: Any, starts: Any, state: Any, at: Any) -> Any:
    """Draw a voxel, a phase that it borders on, and one of that phase that borders on its own.

    Returns:
        Their places in ``order``, −1 where they are any voxels of the boxes, and their phases, −1 where nothing was
        found; ``at`` gets their coordinates.
    """
    wild = draw(state, WILD) == 0
    first: Any = -1
    a: Any = OUTSIDE
    b: Any = OUTSIDE
    for _ in range(TRIES):
        if wild:
            _anywhere(boxes, state, at, 0)
        else:
            first = draw(state, starts[-1])
            _locate(order[first], at, 0)
        place = _home(to, at, 0)
        a = np.int64(lines[place])
        b = a
        if a == OUTSIDE:
            continue
        if wild:
            b = draw(state, len(starts) - 1)
        elif starts[a] <= first < starts[a + 1]:  # else it has changed as a voxel of the other box
            turn = draw(state, 6)
            for way in range(6):
                found = lines[place + _beside(to, (turn + way) % 6)]
                if found != a and found != OUTSIDE:
                    b = np.int64(found)
                    break
        if a != b and (wild or starts[b] < starts[b + 1]):
            break
    if a == b or a == OUTSIDE:  # noqa: SIM109
        return 0, 0, -1, -1
    for _ in range(TRIES):
        second: Any = -1
        if wild:
            _anywhere(boxes, state, at, 1)
        else:
            second = starts[b] + draw(state, starts[b + 1] - starts[b])
            _locate(order[second], at, 1)
        place = _home(to, at, 1)
        if lines[place] == b and (wild or _touches(lines, to, place, a)):
            return first, second, a, b
    return 0, 0, -1, -1


@compiled()
def _near(at: Any, distance: Any) -> Any:
    found = True
    for axis in range(3):
        found &= abs(at[0, axis] - at[1, axis]) <= distance
    return found


@compiled()
def _learn(known: Any, costs: Any, limits: Any) -> None:
    """Find what is known of a move's cost above which it is given up, at each test; infinite where that is of no use.

    That is at least as much as the rest has lowered any cost by, and as was known of any of the best moves: where good
    moves are rare, what the others could gain says little of them.

    Args:
        known: float64 (tests, moves), what was known of the costs.
        costs: float64 (moves,), the costs.
        limits: float64 (tests,), gets the result.
    """
    best = np.full(BEST, np.inf)
    for cost in costs:
        worst = 0
        for k in range(BEST):
            if best[k] > best[worst]:
                worst = k
        best[worst] = min(best[worst], cost)
    cut = best.max()
    for test in range(len(limits)):
        limit, passed = -np.inf, 0
        for k in range(len(costs)):
            limit = max(limit, known[test, k] - costs[k])
            if costs[k] <= cut:
                limit = max(limit, known[test, k])
        for k in range(len(costs)):
            passed += known[test, k] <= limit
        limits[test] = np.inf if passed > USEFUL * len(costs) else limit


@compiled()
def anneal(field: Any, constraint: Any, bounds: Any, state: Any, moves: Any, temperature: Any) -> Any:
    """Try moves at a temperature (Metropolis et al. 1953), changing all that is given.

    A move is given up before all of its cost is known where the rest can hardly make it good, as is learnt from the
    first moves.

    Args:
        field: The volume.
        constraint: What the scan shows.
        bounds: int64 (2, 3), first and last + 1 voxel that may change, along z, y, x.
        state: uint64 (1,) of the random numbers.
        moves: How many.
        temperature: In units of the energy; below 0 no move is accepted and all are weighed in full.

    Returns:
        How many swaps were weighed and accepted, how many of those weighed in full were uphill, and their mean cost.
    """
    lines, shape, to, codes, geometry = field.lines, field.shape, field.places, field.codes, field.geometry
    patterns, scales = field.patterns, field.pattern_weights
    phases, radius, directions = len(constraint.groups), field.paths.shape[2], len(field.reach)
    at, places = np.zeros((2, 3), np.int64), np.zeros((2, directions), np.int64)
    change, segments = np.zeros(directions * phases * radius, np.int8), np.zeros((3, 2, radius), np.int64)
    listed = np.zeros((2 * len(geometry) + 1, 4), np.int64)
    few, extent, room = 0, np.int64(0), 2
    for k in range(len(geometry)):
        extent = max(extent, geometry[k, 3], geometry[k, 4])
        few += geometry[k, 0] < 3  # the tables of the first spacing come first
    for axis in range(3):
        room *= min(EDGE, bounds[1, axis] - bounds[0, axis])
    boxes, kinds, order = np.zeros((2, 2, 3), np.int64), np.zeros(room, np.uint8), np.zeros(room, np.int64)
    starts, left = np.zeros(phases + 1, np.int64), 0
    learnt, costs, limits, full, known = np.zeros((3, LEARNING)), np.zeros(LEARNING), np.zeros(3), 0, False
    weighed, accepted, uphill, climb, touched = 0, 0, 0, 0.0, 0
    for _ in range(moves):
        if not left:
            _place_boxes(bounds, state, boxes)
            left = max(LEAST, _list_interfaces(lines, to, boxes, kinds, order, starts))
        left -= 1
        if not starts[-1]:
            continue
        first, second, a, b = _propose(lines, to, boxes, order, starts, state, at)
        if a < 0 or not swap(constraint, at, shape, a, b):
            continue
        weighed += 1
        most = 0.0
        if temperature > 0:
            most = -temperature * np.log((np.float64(_next(state) >> np.uint64(11)) + 0.5) * 2.0**-53)
        for i in range(2):
            for d in range(directions):
                place = to[d, 0] + at[i, 0] * to[d, 1] + at[i, 1] * to[d, 2] + at[i, 2] * to[d, 3]
                places[i, d] = place
                touched += lines[place - radius] + lines[place + radius]  # on their way while the rest is computed
        own = both = cost = 0.0
        half, whole, near = 0, 0, False
        if len(geometry):
            p = (at[0, 0] * shape[1] + at[0, 1]) * shape[2] + at[0, 2]
            q = (at[1, 0] * shape[1] + at[1, 1]) * shape[2] + at[1, 2]
            own = patterns_screen(codes, geometry, patterns, scales, p, at, 0, b - a, few)
            hopeless = known and own - limits[0] > most
            if not hopeless:
                both = own + patterns_screen(codes, geometry, patterns, scales, q, at, 1, a - b, few)
                hopeless = known and both - limits[1] > most
            if hopeless:
                swap_back(constraint, at, shape, a, b)
                continue
            half = patterns_of(codes, geometry, p, at, 0, listed, 0)
            near = _near(at, extent)
            if near:  # they may be in one pattern
                patterns_write(codes, listed, 0, half, b - a)
            whole = patterns_of(codes, geometry, q, at, 1, listed, half)
            cost = patterns_cost(patterns, scales, listed, 0, half, b - a)
            cost += patterns_cost(patterns, scales, listed, half, whole, a - b)
        if field.weights[1] > 0:
            cost += field.weights[1] * paths_cost(lines, field.path_reach, field.paths, places, a, b, segments)
        most_of_it = cost
        hopeless = known and cost - limits[2] > most
        if field.weights[0] > 0 and not hopeless:
            cost += field.weights[0] * pairs_cost(lines, field.reach, field.pairs, places, a, b, phases, radius, change)
        if not known:
            learnt[0, full], learnt[1, full], learnt[2, full], costs[full] = own, both, most_of_it, cost
            full += 1
            if full == LEARNING:
                full = 0
                if temperature >= 0:
                    _learn(learnt, costs, limits)
                    known = True
            if cost > 0:
                uphill += 1
                climb += cost
        if temperature >= 0 and not hopeless and cost <= most and touched >= 0:
            accepted += 1
            if field.weights[0] > 0:
                pairs_apply(field.reach, field.pairs, a, b, phases, radius, change)
            if field.weights[1] > 0:
                paths_apply(field.path_reach, field.paths, a, b, segments)
            if not near:
                patterns_write(codes, listed, 0, half, b - a)
            patterns_write(codes, listed, half, whole, a - b)
            for d in range(directions):
                lines[places[0, d]], lines[places[1, d]] = b, a
            if first >= 0:
                order[first], order[second] = order[second], order[first]
        else:
            patterns_undo(patterns, listed, half, whole, a - b)
            patterns_undo(patterns, listed, 0, half, b - a)
            if near:
                patterns_write(codes, listed, 0, half, 0)
            swap_back(constraint, at, shape, a, b)
    return weighed, accepted, uphill, climb / max(1, uphill)
