"""A degradation of one's own: a scanner whose slices are thicker than they are apart."""

from __future__ import annotations

import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Triple
from minimal_plugin.options import ThickSlicesOptions


class ThickSlices(torch.nn.Module):
    """Mean m of the phases over each scan voxel, then (1 − 2o)·m(z) + o·(m(z − 1) + m(z + 1)) with the overlap o.

    The result is softmax(sharpness · that). At the ends of the region its outermost slices repeat.

    Raises:
        UserError: A scale factor is not a whole number.
    """

    halo: Triple = (1, 0, 0)

    def __init__(self, options: ThickSlicesOptions, problem: Problem) -> None:
        super().__init__()
        if not all(s.is_integer() for s in problem.scale):
            raise UserError(f"The degradation 'thick-slices' takes whole scale factors, not {problem.scale}.")
        self.options, self.shows = options, problem.match.shows
        z, y, x = (int(s) for s in problem.scale)
        self.voxel = (z, y, x)

    def forward(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
        """Return how strongly each scan phase shows: (batch, low phases, *region.shape)."""
        seen = torch.stack([probabilities[:, list(values)].sum(1) for values in self.shows], 1)
        mean = torch.nn.functional.avg_pool3d(seen, self.voxel)
        above = torch.cat([mean[:, :, :1], mean[:, :, :-1]], 2)
        below = torch.cat([mean[:, :, 1:], mean[:, :, -1:]], 2)
        o = self.options.overlap
        return torch.softmax(self.options.sharpness * ((1 - 2 * o) * mean + o * (above + below)), 1)
