"""How the temperature falls while a lattice is annealed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mesofuse_statistical.annealing_energy import Field
from mesofuse_statistical.annealing_moves import LEARNING, anneal
from mesofuse_statistical.annealing_scan import Constraint

QUENCH = 0.1
"""Share of the moves at temperature 0 before the rest, and after it."""
FALL = 3e-3
"""Last temperature between them as a share of the first."""
STEPS = 100
SMALLEST, LARGEST = 8192, 131_072
"""Moves at one temperature."""


@dataclass
class Cooling:
    """An annealing under way: some moves downhill alone, then a temperature that falls geometrically, then downhill.

    The first temperature is such that uphill moves are accepted with the probability ``acceptance`` on average, as
    found from a few that are weighed when the first descent is over.

    Attributes:
        moves: How many in all.
        acceptance: Probability, below 1; 0 for temperature 0 all along.
        random: State of the random numbers, uint64 (1,).
        done: Moves done.
        hot: First temperature; NaN before it is found.
    """

    moves: int
    acceptance: float
    random: np.ndarray
    done: int = 0
    hot: float = math.nan

    @property
    def finished(self) -> bool:
        """Whether all moves are done."""
        return self.done >= self.moves

    def advance(self, field: Field, constraint: Constraint, bounds: np.ndarray) -> None:
        """Do the moves at the next temperature; arguments as of `annealing_moves.anneal`."""
        fraction = (self.done / self.moves - QUENCH) / (1 - 2 * QUENCH)
        if fraction >= 0 and math.isnan(self.hot):
            climb = 0.0
            if self.acceptance > 0:
                climb = anneal(field, constraint, bounds, self.random, LEARNING, -1.0)[3]
            self.hot = climb / -math.log(self.acceptance) if climb > 0 else 0.0
        temperature = self.hot * FALL**fraction if 0 <= fraction < 1 else 0.0
        count = min(max(self.moves // STEPS, SMALLEST), LARGEST, self.moves - self.done)
        anneal(field, constraint, bounds, self.random, count, temperature)
        self.done += count
