"""Noise that belongs to coordinates: a voxel's number depends on seed, field, channel and absolute position alone.

Space is cut into fixed blocks; each block of each channel has its own stream of a counter-based generator (Philox 4×64,
Salmon et al. 2011), whose raw bits become normal numbers by the Box–Muller transform. So any region can be drawn alone.
"""

from __future__ import annotations

import hashlib
import itertools

import numpy as np

from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.volumes.grid import Region, Triple

BLOCK = 16
"""Edge of a noise block in voxels of the noise's own grid. Changing it changes every generated volume."""


def draw_noise(spec: NoiseSpec, seed: int, region: Region) -> np.ndarray:
    """Return the noise of a region of the field's own grid.

    Args:
        spec: The field.
        seed: Any integer; its lowest 64 bits count.
        region: Voxels of the grid that is ``spec.factor`` times finer than the scan's grid.

    Returns:
        float32, standard normal: (channels, *region.shape).
    """
    key = _key(spec, seed)
    first: Triple = tuple(a // BLOCK for a in region.start)  # type: ignore[assignment]
    last: Triple = tuple(-(-b // BLOCK) for b in region.stop)  # type: ignore[assignment]
    counts: Triple = tuple(b - a for a, b in zip(first, last, strict=True))  # type: ignore[assignment]
    words = np.empty((spec.channels, *counts, BLOCK**3 // 2), dtype="<u8")
    for channel, z, y, x in itertools.product(range(spec.channels), *(range(n) for n in counts)):
        words[channel, z, y, x] = _words(key, channel, (first[0] + z, first[1] + y, first[2] + x))
    blocks = _normal(words).reshape(spec.channels, *counts, BLOCK, BLOCK, BLOCK)
    whole = blocks.transpose(0, 1, 4, 2, 5, 3, 6).reshape(spec.channels, *(n * BLOCK for n in counts))
    inside = region.shifted(tuple(-a * BLOCK for a in first))
    return np.ascontiguousarray(whole[(slice(None), *inside.slices)])


def _key(spec: NoiseSpec, seed: int) -> np.ndarray:
    """Return the generator's 128-bit key: the seed, and a hash of the field's name and resolution."""
    text = f"{spec.name} {' '.join(f'{f:.9g}' for f in spec.factor)}"
    field = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    return np.array([seed & 0xFFFFFFFFFFFFFFFF, field], dtype=np.uint64)


def _words(key: np.ndarray, channel: int, place: Triple) -> np.ndarray:
    """Return the random 64-bit words of one block; the counter's lowest word is left to count within it."""
    z, y, x = (p & 0xFFFFFFFF for p in place)
    # As an array of its own type: a list of large integers would pass through floating point and lose its last bits.
    counter = np.array([0, channel, (z << 32) | y, x], dtype=np.uint64)
    return np.random.Philox(key=key, counter=counter).random_raw(BLOCK**3 // 2)


def _normal(words: np.ndarray) -> np.ndarray:
    """Turn each word's halves into a pair of normal numbers (Box–Muller): (…, n) words to (…, 2 n) numbers."""
    halves = words.view("<u4").reshape(*words.shape, 2)
    # The half step keeps the logarithm finite.
    radius = np.sqrt(-2 * np.log((halves[..., 1].astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-32)))
    angle = halves[..., 0].astype(np.float32) * np.float32(2 * np.pi * 2.0**-32)
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
