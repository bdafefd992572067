"""Phases as rows of bits, 64 voxels a word, so that comparing a volume with itself at a distance costs little."""

from __future__ import annotations

import numpy as np

Rows = tuple[slice, slice]
WORD = 64


class BitRows:
    """Where a phase lies in a window, one bit a voxel along x.

    Attributes:
        words: uint64 (z, y, words); bit b of word w is voxel 64 w + b of the row; bits beyond the row are 0.
    """

    def __init__(self, mask: np.ndarray) -> None:
        """Pack a boolean array (z, y, x)."""
        z, y, x = mask.shape
        packed = np.zeros((z, y, -(-x // WORD) * (WORD // 8)), np.uint8)
        packed[..., : -(-x // 8)] = np.packbits(mask, axis=2, bitorder="little")
        self.words = packed.view("<u8")

    def shifted(self, by: int, rows: Rows = (slice(None), slice(None))) -> np.ndarray:
        """Return the words of some rows, moved ``by`` voxels towards their start (or end, where negative)."""
        return moved(self.words[rows], by)


def moved(words: np.ndarray, by: int) -> np.ndarray:
    """Return rows of words moved ``by`` voxels towards their start (or end, where negative)."""
    far, near = divmod(abs(by), WORD)
    count = words.shape[2]
    out = np.zeros_like(words)
    if far >= count:
        return out
    if by >= 0:
        out[..., : count - far] = words[..., far:] >> np.uint64(near)
        if near:
            out[..., : count - far - 1] |= words[..., far + 1 :] << np.uint64(WORD - near)
    else:
        out[..., far:] = words[..., : count - far] << np.uint64(near)
        if near:
            out[..., far + 1 :] |= words[..., : count - far - 1] >> np.uint64(WORD - near)
    return out


def unpacked(words: np.ndarray, width: int) -> np.ndarray:
    """Return rows of words as a boolean array (z, y, ``width``)."""
    bits: np.ndarray = np.unpackbits(words.view(np.uint8), axis=2, count=width, bitorder="little").view(bool)
    return bits


def count_common(one: np.ndarray, other: np.ndarray) -> int:
    """Count the bits that are set in both of two arrays of words."""
    return int(np.bitwise_count(one & other).sum(dtype=np.int64))
