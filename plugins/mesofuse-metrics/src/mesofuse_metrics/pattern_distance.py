"""Distance of textures: how unlike the small patterns of labels are in a result's planes and in the image."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Measurement, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import AXES, Triple
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.normals import by_normals
from mesofuse.volumes.patterns import MAX_PHASES, TURNS, Stencil, js_divergence, pattern_counts, shares, turned_counts
from mesofuse_metrics.options import PatternOptions
from mesofuse_metrics.reasons import unless

PARTS = 8
"""Parts of the image, at most, that the floor is the mean of."""


class PatternDistance(AdditiveMetric):
    """Jensen–Shannon divergence between the label patterns of a volume's planes and those of the image.

    Formula: JS(P, T) = ½ Σ P log₂(P / M) + ½ Σ T log₂(T / M), M = (P + T) / 2, with P the shares of all patterns in the
    planes normal to an axis, T those of the image that shows these planes, over the symmetries of the plane. A pattern
    is the labels of 9 pixels (3 × 3) of three phases, of 13 pixels of two, 7 of four, 5 of up to seven, 4 of up to
    twelve, 3 of up to 27; with a spacing s its pixels lie s apart.
    Unit: bit, from 0 (alike) to 1 (no pattern in common).
    Convention: whole patterns only; one that touches an ignored voxel is left out.

    Next to each value stands its floor: what parts of the image, each of as many pixels as the volume has voxels or of
    half the image where that is less, score against the rest of it. A result can't be expected below.

    Source: multiple-point histogram, Deutsch (1992) and Boisvert, Pyrcz and Deutsch (2010); as a distance of textures
    ANODI, Tan, Tahmasebi and Caers (2014); the divergence, Lin (1991).

    Args:
        options: Spacings and symmetries.
    """

    needs: ClassVar[Needs] = Needs(images=True, max_phases=MAX_PHASES, masked=True)

    def __init__(self, options: PatternOptions | None = None) -> None:
        self._options = options or PatternOptions()
        # By image, spacing and number of patterns: the image, its shares and the floor. Checks of a training ask often.
        self._known: dict[tuple[int, int, int], tuple[LabelArray, np.ndarray, float]] = {}

    def reach(self, context: MetricContext) -> Triple:
        """Look as far as the widest pattern."""
        edge = max(self._options.spacings) * max(Stencil.of(len(context.phases)).extent)
        return (0 if context.stack else edge, edge, edge)

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count the patterns whose first row and column lie in the piece, by ``spacing axis``."""
        stencil = Stencil.of(len(block.context.phases))
        counts = {}
        for axis in _axes(block.context):
            rows, columns = (a for a in range(3) if a != axis)
            core, start = block.core, block.window.start
            planes = np.moveaxis(block.labels, axis, 0)[core.start[axis] - start[axis] : core.stop[axis] - start[axis]]
            spans = [(core.start[a] - start[a], core.stop[a] - start[a]) for a in (rows, columns)]
            for spacing in self._options.spacings:
                counts[f"{spacing} {axis}"] = pattern_counts(planes, stencil, spacing, *spans)
        return counts

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Compare with the images; NaN where no pattern fits."""
        assert context.images is not None
        stencil = Stencil.of(len(context.phases))
        same = len(by_normals(context.images)) == 1
        symmetry = self._options.symmetry
        turns = TURNS[symmetry if symmetry != "auto" else "rotate" if same and len(context.images) > 1 else "mirror"]
        values, floors = [], []
        for spacing in self._options.spacings:
            for axis in _axes(context):
                own, image = counts[f"{spacing} {axis}"], context.images[axis]
                key = (id(image), spacing, int(own.sum()))
                if key not in self._known:
                    target = shares(turned_counts(image.array, stencil, spacing, turns))
                    self._known[key] = image, target, _floor(image, stencil, spacing, turns, int(own.sum()))
                _, target, floor = self._known[key]
                label = Of(f"spacing {spacing}", along="" if context.planar else AXES[axis])
                distance = js_divergence(shares(own), target)
                where = "into half of the image" if own.sum() else "into the volume's planes"
                why = f"no whole pattern fits {where}"
                values.append(
                    Measurement("pattern-distance", label, distance, "bit", True, reason=unless(distance, why))
                )
                floors.append(
                    Measurement("pattern-distance-floor", label, floor, "bit", True, reason=unless(floor, why))
                )
        return [*values, *floors]


def _axes(context: MetricContext) -> tuple[int, ...]:
    return (0,) if context.planar else (0, 1, 2)


def _floor(image: LabelArray, stencil: Stencil, spacing: int, turns: tuple[int, ...], patterns: int) -> float:
    """Return the mean divergence between parts of the image of about so many patterns and what remains of it."""
    array = image.array
    possible = array.size / max(1, patterns)
    count = int(min(PARTS, max(2, possible)))
    # A part is about ``patterns`` pixels, cut out whole: some of the images, or rows of each.
    share = min(0.5, 1 / max(2.0, possible))
    found = []
    for index in range(count):
        if len(array) >= 2 * count:
            edges = _span(len(array), index, count, share)
            part, rest = array[slice(*edges)], [array[: edges[0]], array[edges[1] :]]
        else:
            edges = _span(array.shape[1], index, count, share)
            part, rest = array[:, slice(*edges)], [array[:, : edges[0]], array[:, edges[1] :]]
        others = sum(turned_counts(piece, stencil, spacing, turns) for piece in rest if piece.size)
        found.append(js_divergence(shares(pattern_counts(part, stencil, spacing)), shares(np.asarray(others))))
    return float(np.mean(found))


def _span(length: int, index: int, count: int, share: float) -> tuple[int, int]:
    """Return a stretch of that share of a length, the first at its start, the last at its end, the others evenly."""
    size = max(1, round(share * length))
    first = round((length - size) * index / max(1, count - 1))
    return first, first + size
