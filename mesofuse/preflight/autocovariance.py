"""Autocovariance of a phase's indicator in pieces of a volume or of images: what the trust checks stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.labels import Labels, is_masked
from mesofuse.volumes.phases import IGNORED

BLOCK, BLOCKS = 128, 8
"""Edge in voxels, and number, of the blocks that stand for a large volume."""
TILE, PIXELS = 1024, 4 * 1024**2
"""Edge in pixels of the tiles, and number of pixels, that stand for large images."""

SMALLEST = 8
"""Shortest edge of blocks that are cut between ignored voxels."""


def volume_pieces(volume: Labels) -> list[np.ndarray]:
    """Return the whole volume in blocks, or of a large one a few blocks spread over it: uint8 labels (z, y, x).

    Of a volume with ignored voxels, blocks that hold none.
    """
    if is_masked(volume):
        return [piece for _, piece in _free_blocks(volume, (BLOCK,) * 3, BLOCKS * BLOCK**3)]
    regions = _cut(volume.grid, (BLOCK,) * 3)
    return [np.ascontiguousarray(volume.read(r)) for r in _some(regions, BLOCKS)]


def image_pieces(image: Labels) -> list[np.ndarray]:
    """Return all images of a stack in tiles, or of large ones a few tiles spread over them: uint8 labels (y, x).

    Of images with ignored pixels, tiles that hold none.
    """
    if is_masked(image):
        return [piece[0] for _, piece in _free_blocks(image, (1, TILE, TILE), PIXELS)]
    regions = _cut(image.grid, (1, TILE, TILE))
    return [np.ascontiguousarray(image.read(r)[0]) for r in _some(regions, max(1, PIXELS // regions[0].size))]


def _free_blocks(labels: Labels, largest: Triple, voxels: int) -> list[tuple[Region, np.ndarray]]:
    """Return blocks without ignored voxels, of the size that covers most, and some of them where there are many.

    Args:
        labels: What they are cut from.
        largest: Their largest shape; smaller ones are half as long, a quarter …
        voxels: How many they hold together, at most.
    """
    best: list[tuple[Region, np.ndarray]] = []
    worth = 0.0
    edge = max(largest)
    while edge >= SMALLEST:
        shape: Triple = tuple(min(edge, n) for n in largest)  # type: ignore[assignment]
        found = []
        for region in _some(_cut(labels.grid, shape), max(1, 4 * voxels // Region.whole(shape).size)):
            piece = np.ascontiguousarray(labels.read(region))
            if not (piece == IGNORED).any():
                found.append((region, piece))
        # Small blocks cover more, but know less of long distances.
        value = sum(r.size for r, _ in found) * edge**0.5
        if value > worth:
            best, worth = found, value
        edge //= 2
    count = max(1, voxels // max(1, best[0][0].size)) if best else 0
    kept = {r.start for r in _some([r for r, _ in best], count)}
    return [each for each in best if each[0].start in kept]


def _cut(grid: Grid, edge: Triple) -> list[Region]:
    z, y, x = (-(-n // -(-n // e)) for n, e in zip(grid.shape, edge, strict=True))  # the most even cut
    return list(grid.region.blocks((z, y, x)))


def _some(regions: list[Region], count: int) -> list[Region]:
    if len(regions) <= count:
        return regions
    chosen = np.random.default_rng(0).permutation(len(regions))[:count]
    return [regions[i] for i in sorted(chosen.tolist())]


def halved(pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Cut each piece in two along every axis: smaller samples whose spread tells how sure a number is."""
    for axis in range(pieces[0].ndim):
        pieces = [part for piece in pieces for part in np.array_split(piece, 2, axis) if part.size]
    return list(pieces)


def indicator(labels: np.ndarray, values: Sequence[int]) -> np.ndarray:
    """Return 1 where a label is one of ``values``, else 0, as float32."""
    table = np.zeros(256, np.float32)
    table[list(values)] = 1
    result: np.ndarray = table[labels]
    return result


def fraction(pieces: Sequence[np.ndarray], values: Sequence[int]) -> float:
    """Return the share of voxels whose label is one of ``values``."""
    counts = sum(np.bincount(piece.ravel(), minlength=256) for piece in pieces)
    return float(np.sum(np.asarray(counts)[list(values)]) / np.sum(counts))


def line_covariance(fields: Sequence[np.ndarray], mean: float, axis: int, lags: int) -> np.ndarray:
    """Return the covariance along one axis at lags 0 … at most ``lags``, over the pairs inside all fields.

    Args:
        fields: float32 arrays of any shapes.
        mean: What to subtract.
        axis: The axis.
        lags: Largest lag in voxels; the result ends earlier where the longest field does.
    """
    from scipy import fft

    lags = min(lags, max(f.shape[axis] for f in fields) - 1)
    total, pairs = np.zeros(lags + 1), np.zeros(lags + 1)
    for values in fields:
        length = values.shape[axis]
        padded = fft.next_fast_len(length + lags, real=True)
        lines = np.moveaxis(values, axis, -1).reshape(-1, length) - np.float32(mean)
        power = np.zeros(padded // 2 + 1)
        for part in np.array_split(lines, max(1, lines.size // 2**20)):
            spectrum = fft.rfft(part, padded, axis=-1)
            power += np.sum(spectrum.real**2 + spectrum.imag**2, axis=0, dtype=np.float64)
        total += fft.irfft(power, padded)[: lags + 1]
        pairs += len(lines) * np.maximum(length - np.arange(lags + 1), 0)
    return np.asarray(total[pairs > 0] / pairs[pairs > 0])


@dataclass(frozen=True)
class Shells:
    """Covariance summed over shells of lag vectors, shell i those of length i − ½ to i + ½.

    Attributes:
        sums: Sum of the covariance over the shell's lag vectors.
        vectors: How many lag vectors the shell has.
        voxels: Voxels that it was estimated from.
    """

    sums: np.ndarray
    vectors: np.ndarray
    voxels: int


def shell_covariance(fields: Sequence[np.ndarray], mean: float) -> Shells:
    """Return the covariance in all directions, up to half the fields' shortest edge; an axis of one voxel is left out.

    Args:
        fields: float32 arrays of nearly the same shape.
        mean: What to subtract.
    """
    from scipy import fft

    shape = [max(f.shape[a] for f in fields) for a in range(fields[0].ndim)]
    reach = max(1, min(shape) // 2)
    padded = [fft.next_fast_len(n + reach, real=True) for n in shape]
    power = np.zeros((*padded[:-1], padded[-1] // 2 + 1), np.float32)
    for values in fields:
        spectrum = fft.rfftn(values - np.float32(mean), padded)
        power += spectrum.real**2
        power += spectrum.imag**2
        del spectrum
    total = fft.irfftn(power, padded)
    del power
    lags = np.arange(-reach, reach + 1)
    total = total[np.ix_(*(lags % n for n in padded))]
    pairs = np.zeros(total.shape, np.float32)
    for values in fields:
        edges = (np.maximum(n - np.abs(lags), 0).astype(np.float32) for n in values.shape)
        product = np.ones((), np.float32)
        for edge in edges:
            product = np.multiply.outer(product, edge)
        pairs += product
    squares = np.zeros((), np.float32)
    for _ in shape:
        squares = np.add.outer(squares, lags.astype(np.float32) ** 2)
    shell = np.rint(np.sqrt(squares)).astype(np.int32)
    inside = (shell <= reach) & (pairs > 0)
    sums = np.bincount(shell[inside], (total[inside] / pairs[inside]).astype(np.float64), reach + 1)
    vectors = np.bincount(shell[inside], minlength=reach + 1)
    return Shells(sums, vectors, sum(f.size for f in fields))
