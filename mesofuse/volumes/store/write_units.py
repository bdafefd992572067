"""Chunks, shards and the write units that they make: how large they are, and what may be written."""

from __future__ import annotations

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Region, Triple
from mesofuse.volumes.phases import IGNORED


def check_block(
    region: Region,
    labels: np.ndarray,
    shape: Triple,
    unit: Triple,
    phases: int,
    channels: tuple[int, ...] = (),
    masked: bool = False,
) -> None:
    """Raise ValueError unless ``labels`` may be written: whole write units, the right shape, dtype and values."""
    for a, b, n, u in zip(region.start, region.stop, shape, unit, strict=True):
        if not 0 <= a < b <= n or a % u or (b % u and b != n):
            raise ValueError(
                f"the region {region} is not made of whole write units of {unit} in a volume of shape {shape}"
            )
    if labels.shape != (*channels, *region.shape):
        raise ValueError(
            f"labels of shape {labels.shape} don't fill the region {region}, whose shape is {region.shape}"
        )
    if labels.dtype != np.uint8:
        raise ValueError(f"labels must be uint8, not {labels.dtype}")
    highest = highest_label(labels, masked)
    if highest >= phases:
        raise ValueError(f"the label {highest} is not one of the {phases} phases 0 … {phases - 1}")


def highest_label(labels: np.ndarray, masked: bool) -> int:
    """Return the highest label, `IGNORED` left out where a volume is masked."""
    return int(labels.max(where=labels != IGNORED, initial=0) if masked else labels.max())


def layout(shape: Triple, chunks: int | Triple, shards: int | Triple | None) -> tuple[Triple, Triple | None]:
    """Return the shapes of chunk and shard that `LabelVolume.create` uses for a volume: none larger than it needs.

    Raises:
        UserError: If a size is below 1, or the shard is not a multiple of the chunk.
    """
    wanted = (chunks,) * 3 if isinstance(chunks, int) else chunks
    if min(wanted) < 1:
        raise UserError(f"The chunk size {chunks} is not usable: it must be at least 1 voxel along each axis.")
    chunk = _triple([min(c, n) for c, n in zip(wanted, shape, strict=True)])
    if shards is None:
        return chunk, None
    bundle = (shards,) * 3 if isinstance(shards, int) else shards
    if any(s < c or s % c for s, c in zip(bundle, wanted, strict=True)):
        raise UserError(
            f"The shard size {shards} is not a multiple of the chunk size {chunks}; use for example {wanted[0] * 4}."
        )
    counts = [min(s // w, -(-n // c)) for s, w, c, n in zip(bundle, wanted, chunk, shape, strict=True)]
    return chunk, _triple([k * c for k, c in zip(counts, chunk, strict=True)])


def scan_shape(unit: Triple) -> Triple:
    """Yield whole write units of about 256³ voxels or fewer, for passes over a volume."""
    return _triple([u * max(1, 256 // u) for u in unit])


def _triple(values: list[int]) -> Triple:
    a, b, c = values
    return (a, b, c)
