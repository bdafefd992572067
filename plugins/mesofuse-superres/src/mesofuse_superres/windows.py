"""Layers that compute only the voxels that are wanted, on windows in absolute coordinates.

A network asks from its output inwards which voxels each layer needs, then computes from its input outwards just
those. Where a window ends at the edge of what was given, the layer's own padding acts, as on the whole volume;
elsewhere nothing is padded. A tile so costs little more than its own voxels and agrees with the whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from mesofuse.volumes.grid import Region, Scale


def conv_needs(want: Region) -> Region:
    """Return the voxels that a 3³ convolution needs, before any padding."""
    return Region(tuple(a - 1 for a in want.start), tuple(b + 1 for b in want.stop))  # type: ignore[arg-type]


def upsample_needs(want: Region, source: Scale, target: Scale) -> Region:
    """Return the voxels of the grid ``source`` that linear interpolation to ``want`` on the grid ``target`` needs."""
    ratios = [t / s for s, t in zip(source, target, strict=True)]
    return Region(
        tuple(math.floor((a + 0.5) / r - 0.5 + 1e-9) for a, r in zip(want.start, ratios, strict=True)),  # type: ignore[arg-type]
        tuple(math.ceil((b - 0.5) / r - 0.5 - 1e-9) + 1 for b, r in zip(want.stop, ratios, strict=True)),  # type: ignore[arg-type]
    )


def transposed_needs(want: Region, strides: Sequence[int] = (2, 2, 2)) -> Region:
    """Return the voxels that a transposed convolution needs: kernel 4 where the stride is 2, 3 where it is 1."""
    return Region(
        tuple((a - 1) // s for a, s in zip(want.start, strides, strict=True)),  # type: ignore[arg-type]
        tuple(b // s + 1 for b, s in zip(want.stop, strides, strict=True)),  # type: ignore[arg-type]
    )


def clip(needed: Region, given: Region) -> Region:
    """Return the part of ``needed`` that lies inside ``given``, which always exists."""
    common = needed.intersect(given)
    assert common is not None
    return common


def cut(values: torch.Tensor, have: Region, want: Region) -> torch.Tensor:
    """Return the part ``want`` of values that fill ``have``: (batch, channels, z, y, x)."""
    return values if have == want else values[(..., *want.within(have))]


def _replicated(values: torch.Tensor, have: Region, want: Region) -> torch.Tensor:
    """Return values on ``want``; what lies outside ``have`` repeats the nearest voxel."""
    inside = clip(want, have)
    values = cut(values, have, inside)
    pads: list[int] = []
    for axis in (2, 1, 0):
        pads += [inside.start[axis] - want.start[axis], want.stop[axis] - inside.stop[axis]]
    return functional.pad(values, pads, mode="replicate") if any(pads) else values


def conv(layer: nn.Conv3d, values: torch.Tensor, have: Region, want: Region) -> torch.Tensor:
    """Apply a 3³ convolution so that it fills ``want``; what lies outside ``have`` repeats the nearest voxel."""
    return functional.conv3d(_replicated(values, have, conv_needs(want)), layer.weight, layer.bias)


def transposed(layer: nn.ConvTranspose3d, values: torch.Tensor, have: Region, want: Region) -> torch.Tensor:
    """Apply a transposed convolution (padding 1) so that it fills ``want``.

    It doubles the axes of stride 2 (kernel 4), with nothing beyond a volume's end, as ``torch.nn.ConvTranspose3d`` has
    it. Along an axis of stride 1 (kernel 3) it is a convolution, padded like one.
    """
    beyond = conv_needs(want)
    double = [stride == 2 for stride in layer.stride]
    needed = Region(
        tuple(h if d else n for h, n, d in zip(have.start, beyond.start, double, strict=True)),  # type: ignore[arg-type]
        tuple(h if d else n for h, n, d in zip(have.stop, beyond.stop, double, strict=True)),  # type: ignore[arg-type]
    )
    return cut(layer(_replicated(values, have, needed)), needed.scaled(layer.stride), want)


def upsample(values: torch.Tensor, have: Region, want: Region, source: Scale, target: Scale) -> torch.Tensor:
    """Resample linearly by absolute coordinates so that the result fills ``want`` on the grid ``target``.

    Voxel j of a grid of scale t has its centre at (j + 1/2) / t scan voxels. Outside ``have`` the nearest
    value is repeated, as ``torch.nn.Upsample`` does at a volume's end.
    """
    ratios = [t / s for s, t in zip(source, target, strict=True)]
    if source == target:
        return cut(values, have, want)
    if all(r == int(r) for r in ratios):
        made = functional.interpolate(values, scale_factor=ratios, mode="trilinear", align_corners=False)
        whole = Region(
            tuple(a * int(r) for a, r in zip(have.start, ratios, strict=True)),  # type: ignore[arg-type]
            tuple(b * int(r) for b, r in zip(have.stop, ratios, strict=True)),  # type: ignore[arg-type]
        )
        return cut(made, whole, want)
    for axis in range(3):
        values = _along(values, axis, have, want, ratios[axis])
    return values


def _along(values: torch.Tensor, axis: int, have: Region, want: Region, ratio: float) -> torch.Tensor:
    if ratio == 1:
        return values.narrow(2 + axis, want.start[axis] - have.start[axis], want.shape[axis])
    wanted = torch.arange(want.start[axis], want.stop[axis], dtype=torch.float64)
    position = (wanted + 0.5) / ratio - 0.5 - have.start[axis]
    low = position.floor()
    shape = [1] * 5
    shape[2 + axis] = -1
    weight = (position - low).to(values.dtype).reshape(shape).to(values.device)
    last = values.shape[2 + axis] - 1
    first = low.long().clamp(0, last).to(values.device)
    second = (low.long() + 1).clamp(0, last).to(values.device)
    a, b = values.index_select(2 + axis, first), values.index_select(2 + axis, second)
    return a + (b - a) * weight
