"""Whether an image is large enough for its texture: how far the patterns of its halves differ."""

from __future__ import annotations

import math

import numpy as np

from mesofuse.interfaces.method import FusionInputs
from mesofuse.preflight.check import Check
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.patterns import MAX_PHASES, TURNS, Stencil, js_divergence, shares, turned_counts

SPACINGS = (1, 2, 4)
LARGEST_DISTANCE = 0.02
"""Halves of an image that differ by more than this at the first spacing are called too small: a result's texture can
then be judged, and learned, to within what the eye sees of a difference, and no closer."""
MOST_PIXELS = 4_000_000


def check_patterns(inputs: FusionInputs) -> Check:
    """Compare the label patterns of the halves of each image, as `pattern-distance` compares a result with the image.

    Of a stack the halves are every other image, of one image its left and right, upper and lower halves. The smaller
    the image, the farther they are from each other by chance; the distance falls as one over the area.
    """
    phases = len(inputs.problem.phases)
    if phases > MAX_PHASES:
        sentence = f"Label patterns are compared of at most {MAX_PHASES} phases; the image has {phases}."
        return Check("image-patterns", "unknown", sentence)
    stencil = Stencil.of(phases)
    turns = TURNS["rotate" if inputs.isotropic else "mirror"]
    found = {axes: {s: _halves(image, stencil, s, turns) for s in SPACINGS} for axes, image in inputs.groups.items()}
    numbers = {axes: {str(s): d for s, d in own.items()} for axes, own in found.items()}
    finest = {axes: own[SPACINGS[0]] for axes, own in found.items()}
    if any(math.isnan(d) for d in finest.values()):
        sentence = "The image is too small to tell whether it shows enough of its texture."
        return Check("image-patterns", "unknown", sentence, numbers)
    axes = max(finest, key=lambda key: finest[key])
    worst, pixels = finest[axes], len(stencil.offsets)
    name = "image" if len(finest) == 1 else f"image normal to {', '.join(axes)}"
    if worst > LARGEST_DISTANCE:
        more = worst / LARGEST_DISTANCE
        sentence = (
            f"The {name} is small for its texture: its halves differ by {worst:.3f} bit in their patterns of {pixels} "
            f"neighbouring pixels, so that a result can't be held to less; about {more:.1f} times the area would bring "
            f"that to {LARGEST_DISTANCE:g}."
        )
        return Check("image-patterns", "warning", sentence, numbers)
    sentence = f"The halves of the {name} differ by {worst:.4f} bit in their patterns of {pixels} neighbouring pixels."
    return Check("image-patterns", "ok", sentence, numbers)


def _halves(image: LabelArray, stencil: Stencil, spacing: int, turns: tuple[int, ...]) -> float:
    """Return the divergence of the patterns of the halves; NaN where they hold none."""
    array = image.array
    array = array[: max(1, MOST_PIXELS // max(1, array[0].size))]
    if len(array) > 1:
        splits = [(array[::2], array[1::2])]
    else:
        rows, columns = (n // 2 for n in array.shape[1:])
        splits = [(array[:, :rows], array[:, rows:]), (array[:, :, :columns], array[:, :, columns:])]
    counted = [[turned_counts(half, stencil, spacing, turns) for half in pair] for pair in splits]
    return float(np.mean([js_divergence(shares(a), shares(b)) for a, b in counted]))
