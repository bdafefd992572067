"""Weights of the published SliceGAN program as weights of ours."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.problem import Problem
from mesofuse.training.published import NORM, Imported, PublishedWeights


def imported(tensors: Mapping[str, np.ndarray], problem: Problem) -> Imported:
    """Rename the tensors of a published ``_Gen.pt``; ``rcconv`` in it tells the resize-convolution variant.

    Latent channels and widths follow from the shapes. Strides and paddings are in ``_params.data``, a pickle, which is
    not read: a kernel of 4 has the stride 2, and the padding decides only how much of a volume's border is cut.

    Raises:
        UserError: If the tensors are not those of such a generator, or of other phases.
    """
    given = PublishedWeights(tensors, "SliceGAN")
    if problem.low_phases:
        raise UserError("SliceGAN takes no scan: leave out --scale and --low-phases.")
    resize = "rcconv.weight" in given
    shapes = [given.shape(f"convs.{i}.weight", 5) for i in range(max(2, given.count("convs")))]
    if any(shape[2:] != (4, 4, 4) for shape in shapes):
        raise UserError("Only SliceGAN generators whose kernels are all 4 voxels wide can be imported.")
    if any(a[1] != b[0] for a, b in pairwise(shapes)):
        raise UserError("The channels of one layer in the weights do not fit the next: they are no SliceGAN generator.")
    widths, phases = [shape[1] for shape in shapes[:-1]], shapes[-1][1]
    if phases != problem.channels:
        if problem.content == "phases":
            raise UserError(
                f"The weights make {phases} phases, but {problem.channels} are named: give --phases one name for each."
            )
        raise UserError(
            f"The weights make {phases} channels, but {problem.content} has {problem.channels}: give another "
            "--content, or --phases if they are phases."
        )
    final = len(widths)
    state: dict[str, np.ndarray] = {}
    for i in range(final):
        state |= given.take(f"convs.{i}", f"convs.{i}", ("weight",)) | given.take(f"bns.{i}", f"norms.{i}", NORM)
    if resize:
        state |= given.take("rcconv", "last")
        given.drop(f"convs.{final}")
    else:
        state |= given.take(f"convs.{final}", "last", ("weight",))
    given.drop(f"bns.{final}")
    given.close()
    name = "slicegan-resize" if resize else "slicegan"
    return Imported({"generator": {"name": name, "latent": shapes[0][0], "widths": widths}}, state)
