"""Histograms of label patterns in planes: which small arrangements of phases occur, and how often.

A pattern is the labels of a few pixels, a *stencil*, in one plane; with a spacing s its pixels lie s apart, so that the
same stencil sees finer or coarser texture. The histogram over all positions is the multiple-point histogram of
geostatistics (Deutsch 1992; Boisvert, Pyrcz and Deutsch 2010). The Jensen–Shannon divergence of two such histograms as
a distance of textures is that of ANODI (Tan, Tahmasebi and Caers 2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_CROSS = ((1, 1), (0, 1), (1, 0), (1, 2), (2, 1))
_SHAPES: tuple[tuple[tuple[int, int], ...], ...] = (
    (*_CROSS, (0, 0), (0, 2), (2, 0), (2, 2), (-1, 1), (1, -1), (1, 3), (3, 1)),
    (*_CROSS, (0, 0), (0, 2), (2, 0), (2, 2)),
    (*_CROSS, (0, 0), (2, 2)),
    _CROSS,
    ((0, 0), (0, 1), (1, 0), (1, 1)),
    ((0, 0), (0, 1), (1, 0)),
)
"""Stencils from large to small: 13 pixels, 3 × 3, 3 × 3 without two corners, a cross, 2 × 2, an angle."""
MAX_BINS = 20_736
"""Patterns that a histogram tells apart, at most."""
MAX_PHASES = 27
"""Phases of which even the smallest stencil has no more patterns than that."""

TURNS: dict[str, tuple[int, ...]] = {"rotate": (0, 1, 2, 3, 4, 5, 6, 7), "mirror": (0, 2, 4, 6), "none": (0,)}
"""Symmetries under which a plane looks alike: turns by a right angle 0 to 3 times, 4 to 7 the same, then mirrored."""


@dataclass(frozen=True)
class Stencil:
    """The pixels of a pattern.

    Attributes:
        phases: Number of phases.
        offsets: (row, column) of each pixel in units of the spacing; the smallest row and column are 0.
    """

    phases: int
    offsets: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, phases: int, max_bins: int = MAX_BINS) -> Stencil:
        """Return the largest stencil whose patterns number at most ``max_bins``.

        Two phases give 13 pixels, three 9 (3 × 3), four 7, five to seven 5, up to twelve 4, up to 27 3.

        Raises:
            ValueError: If even the smallest has more patterns.
        """
        for pixels in _SHAPES:
            if phases ** len(pixels) <= max_bins:
                top, left = min(r for r, _ in pixels), min(c for _, c in pixels)
                return cls(phases, tuple((r - top, c - left) for r, c in pixels))
        raise ValueError(f"{phases} phases have more than {max_bins} patterns whatever the stencil")

    @property
    def bins(self) -> int:
        """How many patterns there are: phases to the power of the number of pixels."""
        return int(self.phases ** len(self.offsets))

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns, in units of the spacing, from the first pixel of a pattern to the last."""
        return max(r for r, _ in self.offsets), max(c for _, c in self.offsets)


def pattern_counts(
    stack: np.ndarray,
    stencil: Stencil,
    spacing: int,
    rows: tuple[int, int] | None = None,
    columns: tuple[int, int] | None = None,
) -> np.ndarray:
    """Count the patterns of all planes of a stack, whole patterns only.

    Args:
        stack: uint8 labels (plane, row, column); a pattern with a label that is no phase (an ignored pixel) is left
            out.
        stencil: The pixels.
        spacing: Pixels between neighbouring pixels of a pattern, at least 1.
        rows: First and last + 1 row in which the patterns' top edges may lie; None for all.
        columns: First and last + 1 column in which their left edges may lie; None for all.

    Returns:
        int64 counts (stencil.bins,); the pixel listed first in the stencil is the most significant digit.
    """
    height, width = (spacing * e for e in stencil.extent)
    top, bottom = _range(rows, stack.shape[1] - height)
    left, right = _range(columns, stack.shape[2] - width)
    counts = np.zeros(stencil.bins, np.int64)
    if bottom <= top or right <= left:
        return counts
    for plane in stack:
        code = np.zeros((bottom - top, right - left), np.int32)
        ignored, known = plane.max(initial=0) >= stencil.phases, np.True_
        for r, c in stencil.offsets:
            pixel = plane[top + r * spacing : bottom + r * spacing, left + c * spacing : right + c * spacing]
            code *= stencil.phases
            code += pixel
            if ignored:
                known = known & (pixel < stencil.phases)
        counts += np.bincount(code[known] if ignored else code.ravel(), minlength=stencil.bins)
    return counts


def _range(wanted: tuple[int, int] | None, length: int) -> tuple[int, int]:
    return (0, length) if wanted is None else (max(0, wanted[0]), min(length, wanted[1]))


def turned_counts(stack: np.ndarray, stencil: Stencil, spacing: int, turns: Sequence[int]) -> np.ndarray:
    """Count the patterns of a stack as it is and as it looks turned and mirrored.

    Args:
        stack: uint8 labels (plane, row, column).
        stencil: The pixels.
        spacing: See `pattern_counts`.
        turns: Which of the eight symmetries of the square: right-angle turns 0 to 3, and 4 to 7 for the same with the
            columns reversed afterwards.
    """
    total = np.zeros(stencil.bins, np.int64)
    for turn in turns:
        image = np.rot90(stack, turn % 4, axes=(1, 2))
        total += pattern_counts(image[..., ::-1] if turn >= 4 else image, stencil, spacing)
    return total


def shares(counts: np.ndarray) -> np.ndarray:
    """Return counts as shares of their sum: float64; all NaN where nothing was counted."""
    total = counts.sum()
    return counts / total if total else np.full(counts.shape, np.nan)


def js_divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Return the Jensen–Shannon divergence of two distributions in bits: 0 where they are alike, 1 where disjoint.

    JS(p, q) = ½ Σ p log₂(p / m) + ½ Σ q log₂(q / m) with m = (p + q) / 2 (Lin 1991). NaN where either is.
    """
    middle = (p + q) / 2
    found = float(_entropy(middle) - (_entropy(p) + _entropy(q)) / 2)
    return 0.0 if found < 0 else found  # rounding alone makes it negative


def _entropy(p: np.ndarray) -> float:
    if np.isnan(p).any():
        return float("nan")
    positive = p[p > 0]
    return float(-(positive * np.log2(positive)).sum())
