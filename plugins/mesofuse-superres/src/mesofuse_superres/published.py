"""Weights of the published SuperRes program as weights of ours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.problem import Problem
from mesofuse.training.published import NORM, Imported, PublishedWeights


def imported(tensors: Mapping[str, np.ndarray], problem: Problem) -> Imported:
    """Rename the tensors of a published ``g_weights.pth`` (three dimensions).

    The width follows from the shapes, at the problem's scale. Within a residual block the published program runs the
    layers of odd number first. Of n blocks it runs the first and every second of the next n − 2; the others' weights,
    which never had a gradient, are left out.

    Raises:
        UserError: If the tensors are not those of such a generator, or of other phases or another scale.
    """
    given = PublishedWeights(tensors, "SuperRes")
    width, inputs = given.shape("conv_minus_1.weight", 5)[:2]
    phases = given.shape("conv_bf_end.weight", 5)[0]
    low = len(problem.low_phases)
    if inputs != low + 1:
        raise UserError(
            f"The weights take {inputs - 1} scan phases and noise, but {low} are named: give --scale, and "
            "--low-phases one name for each."
        )
    if phases != len(problem.phases):
        raise UserError(
            f"The weights make {phases} phases, but {len(problem.phases)} are named: give --phases one name for each."
        )
    stages = [n for n in ("resize_0", "trans", "resize") if f"conv_{n}.weight" in given]
    scale = problem.scale[0]
    if len(set(problem.scale)) != 1:
        raise UserError("The published SuperRes has one scale factor for all axes; give one number as --scale.")
    if len(stages) != (3 if scale > 4 else 2 if scale > 2 else 1):
        ranges = {1: "above 1, at most 2", 2: "above 2, at most 4", 3: "above 4, at most 8"}
        fits = ranges.get(len(stages), "unknown")
        raise UserError(f"The weights are those of a scale factor {fits}, but --scale is {scale:g}.")
    blocks = given.count("conv_res") // 2
    run = [0, *range(2, blocks, 2)]
    state = given.take("conv_minus_1", "enter") | given.take("bn_minus_1", "enter_norm", NORM)
    for ours, theirs in enumerate(run):
        for first, published in ((0, theirs + 1), (1, theirs)):
            state |= given.take(f"conv_res.{published}", f"convs.{2 * ours + first}")
            state |= given.take(f"bn_res.{published}", f"norms.{2 * ours + first}", NORM)
    for i, stage in enumerate(stages):
        state |= given.take(f"conv_{stage}", f"layers.{i}") | given.take(f"bn_{stage}", f"stage_norms.{i}", NORM)
    state |= given.take("conv_bf_end", "leave")
    given.drop("conv_res", "bn_res")
    given.close()
    log_width = int(width).bit_length() - len(stages) + 1
    return Imported({"generator": {"name": "superres", "width": log_width, "blocks": len(run)}}, state)
