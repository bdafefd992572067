"""Two-point statistics of phases in all directions: maps of images, and the map of a volume that they make together.

A *map* holds J_pq(h), how likely a voxel is of phase p and the one at the displacement h from it of phase q, for every
displacement of a box: (phases, phases, 2 reach + 1, …), with h = 0 in the middle. Its diagonal are the S2 maps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import fft
from scipy.ndimage import map_coordinates

from mesofuse_statistical.gaussian_fit import nearest_spectrum

FITS = 200
FITTED = 1e-7
"""Rounds of the proportional fitting, and the largest error of a share at which it ends."""


def pair_counts(shape: Sequence[int], reach: Sequence[int]) -> np.ndarray:
    """Return how many pairs of voxels of a box lie at each displacement, (2 reach + 1, …); nothing wraps around."""
    found = np.ones(())
    for n, k in zip(shape, reach, strict=True):
        found = np.multiply.outer(found, np.maximum(n - np.abs(np.arange(-k, k + 1)), 0))
    return found


def padded(shape: Sequence[int], reach: Sequence[int]) -> list[int]:
    """Return the edges of a periodic box in which voxels up to ``reach`` beyond a side see nothing of the other one."""
    return [fft.next_fast_len(n + k, real=True) for n, k in zip(shape, reach, strict=True)]


def around(box: Sequence[int], reach: Sequence[int]) -> tuple[np.ndarray, ...]:
    """Return the index of the displacements −reach … reach in a periodic box whose first voxel is displacement 0."""
    return np.ix_(*(np.arange(-k, k + 1) % n for n, k in zip(box, reach, strict=True)))


def correlation_map(stack: np.ndarray, phases: int, reach: Sequence[int]) -> np.ndarray:
    """Return the map of images or volumes of one shape, over all pairs that lie wholly inside; float64.

    Args:
        stack: uint8 labels (sample, …).
        phases: Number of phases.
        reach: Largest displacement along each axis, less than the samples' edge.
    """
    box = padded(stack.shape[1:], reach)
    power = np.zeros((phases, phases, *box[:-1], box[-1] // 2 + 1), np.complex128)
    for sample in stack:
        spectra = [fft.rfftn((sample == p).astype(np.float64), box) for p in range(phases)]
        for p in range(phases):
            for q in range(phases):
                power[p, q] += spectra[p].conj() * spectra[q]
    pairs = len(stack) * pair_counts(stack.shape[1:], reach)
    axes = range(-len(box), 0)
    found = [[fft.irfftn(part, box, axes=axes)[around(box, reach)] / pairs for part in row] for row in power]
    return np.maximum(np.array(found), 0)


def lengths(reach: int, axes: int = 3) -> np.ndarray:
    """Return the length of each displacement of a cube or square, in voxels."""
    at = np.arange(-reach, reach + 1.0)
    found: np.ndarray = np.sqrt(sum(a**2 for a in np.meshgrid(*[at] * axes, indexing="ij")))
    return found


def assembled(planes: np.ndarray) -> np.ndarray:
    """Return the map of a volume from those of its planes: (phases, phases, 2 reach + 1, …), even in h.

    A displacement h has a projection on each plane, of a direction whose value at the length of h the plane's map
    gives. They count by w_a ∝ Π h_b² over the axes b other than the plane's normal a, so that in a coordinate plane
    its own map stands unchanged (on an axis the mean of the two that hold it). Between displacements of a map,
    (J(0) − J(h)) / |h| is interpolated, which has no cusp at h = 0 as J has. Of the cross-correlations the part that
    is even in h is kept.

    Args:
        planes: Maps of the planes normal to z, y and x: (3, phases, phases, 2 reach + 1, 2 reach + 1).
    """
    reach, phases = planes.shape[-1] // 2, planes.shape[1]
    at = np.arange(-reach, reach + 1.0)
    h = np.meshgrid(at, at, at, indexing="ij")
    length = lengths(reach)
    flat = lengths(reach, 2)
    flat[reach, reach] = 1
    found = np.zeros((phases, phases, *length.shape))
    for normal, weight in enumerate(_weights(h)):
        u, v = (h[axis] for axis in range(3) if axis != normal)
        own = np.sqrt(u**2 + v**2)
        stretch = np.divide(length, own, out=np.zeros(own.shape), where=own > 0)
        used = weight > 0
        points = np.stack([(u * stretch)[used] + reach, (v * stretch)[used] + reach])
        for p in range(phases):
            for q in range(p, phases):
                plane = (planes[normal, p, q] + planes[normal, q, p]) / 2
                plane = (plane + plane[::-1, ::-1]) / 2
                middle = plane[reach, reach]
                falls = map_coordinates((middle - plane) / flat, points, order=1, mode="nearest")
                found[p, q][used] += weight[used] * (middle - length[used] * falls)
    for p in range(phases):
        for q in range(p):
            found[p, q] = found[q, p]
    return np.maximum(found, 0)


def _weights(h: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return how much the planes normal to z, y and x count at each displacement; they sum to 1."""
    z, y, x = (a**2 for a in h)
    products = [y * x, z * x, z * y]
    total = sum(products)
    inside = total > 0
    found = [np.divide(p, total, out=np.zeros(total.shape), where=inside) for p in products]
    holds = [np.where(a > 0, 0.0, 0.5) for a in (z, y, x)]  # on an axis: the planes whose normal is another one
    middle = (z + y + x) == 0
    return [np.where(inside, w, np.where(middle, 1 / 3, own)) for w, own in zip(found, holds, strict=True)]


def with_shares(joint: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return a map with these shares of the phases, by iterative proportional fitting (Deming and Stephan 1940).

    Of all joint probabilities with the marginals ``shares`` it is the nearest to the map by relative entropy; it keeps
    the odds ratios, so that where two voxels knew nothing of each other they still know nothing.
    """
    found = np.maximum(joint, 0)
    column = shares.reshape(-1, *(1,) * (joint.ndim - 2))
    for _ in range(FITS):
        for axis in (1, 0):
            marginal = found.sum(axis)
            factor = np.divide(column, marginal, out=np.zeros(marginal.shape), where=marginal > 1e-12)
            found = found * np.expand_dims(factor, axis)
        if np.abs(found.sum(1) - column).max() < FITTED:
            break
    even: np.ndarray = (found + found.swapaxes(0, 1)) / 2
    return even


def faded(joint: np.ndarray, shares: np.ndarray, radius: int) -> np.ndarray:
    """Return a map of a volume whose correlations fade linearly to none from ``radius`` to the map's reach."""
    reach = joint.shape[-1] // 2
    fade = np.clip((reach - lengths(reach)) / max(1, reach - radius), 0, 1)
    alone = np.multiply.outer(shares, shares)[..., None, None, None]
    found: np.ndarray = alone + (joint - alone) * fade
    return found


def possible(autos: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return S2 maps that some field can have: the nearest whose spectrum is nowhere negative.

    Args:
        autos: S2 map of each phase, (phases, 2 reach + 1, …), which falls to φ² at its sides.
        shares: φ of each phase.

    Returns:
        The maps, and the share of each spectrum that was left out.
    """
    found, lost = np.empty_like(autos), np.zeros(len(autos))
    for p, share in enumerate(shares):
        spectrum = fft.fftn(fft.ifftshift(autos[p] - share**2)).real
        lost[p] = -spectrum[spectrum < 0].sum() / max(float(np.abs(spectrum).sum()), 1e-300)
        if spectrum.max() <= 0:  # a phase that is nowhere or everywhere
            found[p] = autos[p]
            continue
        found[p] = fft.fftshift(fft.ifftn(nearest_spectrum(spectrum)).real) + share**2
    return found, lost


def auto_maps(fields: np.ndarray, reach: int) -> np.ndarray:
    """Return the mean product of a field with itself at each displacement, over all pairs inside its box.

    Args:
        fields: (fields, z, y, x).
        reach: Largest displacement; those that the box does not have give 0.

    Returns:
        float64 (fields, 2 reach + 1, …); of indicators it is their S2 map.
    """
    shape = fields.shape[1:]
    own = [min(reach, n - 1) for n in shape]
    box, inner = padded(shape, own), tuple(slice(reach - k, reach + k + 1) for k in own)
    pairs = pair_counts(shape, own)
    found = np.zeros((len(fields), *(2 * reach + 1,) * 3))
    for field, made in zip(fields, found, strict=True):
        spectrum = fft.rfftn(field.astype(np.float64), box)
        made[inner] = fft.irfftn(spectrum.real**2 + spectrum.imag**2, box)[around(box, own)] / pairs
    return found
