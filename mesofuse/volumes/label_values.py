"""The values of an image that is taken for labels: which there are, which may be no phase, which are too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.blurred_labels import WAYS, bar, blurred, lossy

NAME_ALL = " (really that many phases? Name all with --phases)"
_GREYS = 4096
"""With more different values than this an image is of grey levels, and no more are counted."""
_MANY = 10
"""More values than this that nobody named are worth a question."""
_STRAY = 5e-4
"""A value of a smaller share than this is worth a question."""


def slabs(array: np.ndarray) -> Iterator[slice]:
    """Cut axis 0 into pieces of about 16 million voxels."""
    thick = max(1, 2**24 // max(1, array[0].size))
    return (slice(z, z + thick) for z in range(0, len(array), thick))


def different_values(
    array: np.ndarray, name: str, limit: int, altered: str, mask: np.ndarray | None = None
) -> tuple[list[int], list[int]]:
    """Return the different values outside of a mask in order and how often each occurs.

    Raises:
        UserError: If they are no whole numbers, are more than ``limit``, or were altered by a compression.
    """
    if array.dtype.kind not in "biuf":
        kind = "complex numbers" if array.dtype.kind == "c" else f"{array.dtype} values"
        raise UserError(f"{name} holds {kind}; an image of whole numbers is expected, one per phase.")
    seen: Counter[int] = Counter()
    for slab in slabs(array):
        part = array[slab] if mask is None else array[slab][~mask[slab]]
        if part.dtype.kind == "f":
            if not np.isfinite(part).all():
                raise UserError(f"{name} holds NaN or infinite values; a segmented image of whole numbers is expected.")
            if (part != np.rint(part)).any():
                example = part[part != np.rint(part)].flat[0]
                raise UserError(
                    f"{name} holds fractions such as {example:.4g}: it is a grey-level image; segment it first, "
                    "so that every voxel has the number of its phase."
                )
        found, counts = _counted(part)
        seen.update({int(v): int(n) for v, n in zip(found.tolist(), counts.tolist(), strict=True)})
        if len(seen) > _GREYS:
            break
    values = sorted(seen)
    numbers = [seen[v] for v in values]
    if altered and (clause := lossy(altered, values, numbers)):
        raise UserError(f"{name} {clause}; segment it, and save labels as PNG or TIFF.")
    if len(values) > limit:
        inside = array if mask is None else np.where(mask, array.dtype.type(values[0]), array)
        clause = blurred(inside, values, numbers) if len(values) <= _GREYS else ""
        if clause:
            raise UserError(f"{name} {clause}. {WAYS}{NAME_ALL}.")
        raise UserError(
            f"{name} holds more than {limit} different values: it looks like a grey-level image; segment it first, "
            "so that every voxel has the number of its phase (really that many phases? Name all with --phases)."
        )
    return values, numbers


def _counted(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different values of an array and their numbers; fast for types of one byte or two."""
    if part.dtype.kind == "f" or part.dtype.itemsize > 2:
        return np.unique(part, return_counts=True)
    low = 0 if part.dtype.kind in "bu" else int(np.iinfo(part.dtype).min)
    counts = np.bincount((part.astype(np.int32) - low if low else part).ravel())
    found = np.flatnonzero(counts)
    return found + low, counts[found]


def more_than_names(
    name: str, values: list[int], counts: list[int], names: tuple[str, ...], colors: tuple[str, ...]
) -> UserError:
    """Return the refusal of an image with more values than names: any choice would shift names."""
    total, shown = sum(counts), colors or tuple(map(str, values))
    extra = len(values) - len(names)
    order = sorted(range(len(values)), key=lambda i: (0 <= values[i] < len(names), counts[i]))
    if colors or not set(range(len(names))) <= set(values):
        order = sorted(range(len(values)), key=lambda i: counts[i])
    odd = sorted(order[:extra])
    listing = ", ".join(
        f"{shown[i]} in {counts[i]} voxel{'s' * (counts[i] > 1)} ({_percent(counts[i], total)})" for i in odd[:4]
    )
    more = f" and {extra - 4} more" if extra > 4 else ""
    return UserError(
        f"{name} holds {len(values)} different values ({', '.join(shown[:12])}{', …' if len(shown) > 12 else ''}), but "
        f"{len(names)} phases are named ({', '.join(names)}). Too many: {listing}{more}. Give these voxels the value "
        "of a phase, name all values, in their order, with --phases, or leave out what is no material with --ignore."
    )


def odd_values(array: np.ndarray, values: list[int], counts: list[int]) -> tuple[str, ...]:
    """Return notes on values that may be no phase: a few stray voxels, or a burnt-in bar."""
    total, notes = sum(counts), []
    if len(values) < 3:
        return ()
    if len(values) > _MANY:
        return (f"it holds {len(values)} different values: has it so many phases? Labels that were resized hold more",)
    for value, count in zip(values, counts, strict=True):
        if count < _STRAY * total:
            notes.append(
                f"the value {value} occurs in {count} of {total} voxels ({_percent(count, total)}): a phase, "
                "or a stray value?"
            )
    edges = [v for v in (values[0], values[-1]) if counts[values.index(v)] < 0.05 * total]
    for value in edges:
        box = bar(array, value)
        if box is not None:
            rows, columns = box
            notes.append(
                f"the value {value} ({_percent(counts[values.index(value)], total)}) fills one box, rows "
                f"{rows[0]} to {rows[1]} and columns {columns[0]} to {columns[1]}, and nothing else: is it a scale bar?"
            )
    return tuple(notes)


def _percent(count: int, total: int) -> str:
    """Return a share with at least two figures."""
    share = 100 * count / total
    return f"{share:.2f} %" if share >= 0.1 else f"{share:.2g} %"
