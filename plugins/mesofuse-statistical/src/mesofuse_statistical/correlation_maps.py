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
EXTENSIONS, NEGATIVE = 200, 1e-6
"""Rounds in which a map is extended, and how negative its spectrum may be at the end, relative to its largest value."""


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
    gives; lengths are counted along each axis in its own integral range (`ranges`), so that the map of ellipsoidal
    correlations is found exactly. The planes count by w_a ∝ Π h_b² over the axes b other than the plane's normal a: in
    a coordinate plane its own map stands unchanged (on an axis the mean of the two that hold it). Between the
    displacements of a map (J(0) − J(h)) / |h| is interpolated, which has no cusp at h = 0 as J has; beyond the map
    voxels know nothing of each other. Of the cross-correlations the part that is even in h is kept.

    Args:
        planes: Maps of the planes normal to z, y and x: (3, phases, phases, 2 reach + 1, 2 reach + 1).
    """
    reach, phases = planes.shape[-1] // 2, planes.shape[1]
    unit = ranges(planes)
    at = np.arange(-reach, reach + 1.0)
    h = np.meshgrid(at, at, at, indexing="ij")
    scaled = [a / length for a, length in zip(h, unit, strict=True)]
    length = np.sqrt(sum(a**2 for a in scaled))
    flat = lengths(reach, 2)
    flat[reach, reach] = 1
    found = np.zeros((phases, phases, *length.shape))
    for normal, weight in enumerate(_weights(scaled)):
        first, second = (axis for axis in range(3) if axis != normal)
        own = np.sqrt(scaled[first] ** 2 + scaled[second] ** 2)
        stretch = np.divide(length, own, out=np.zeros(own.shape), where=own > 0)
        used = weight > 0
        points = np.stack([(h[axis] * stretch)[used] for axis in (first, second)])
        inside = np.abs(points).max(0) <= reach
        away = np.sqrt((points**2).sum(0))
        for p in range(phases):
            for q in range(p, phases):
                plane = (planes[normal, p, q] + planes[normal, q, p]) / 2
                plane = (plane + plane[::-1, ::-1]) / 2
                middle = plane[reach, reach]
                falls = map_coordinates((middle - plane) / flat, points + reach, order=1, mode="nearest")
                alone = planes[normal, p, p, reach, reach] * planes[normal, q, q, reach, reach]
                found[p, q][used] += weight[used] * np.where(inside, middle - away * falls, alone)
    for p in range(phases):
        for q in range(p):
            found[p, q] = found[q, p]
    return np.maximum(found, 0)


def ranges(planes: np.ndarray) -> tuple[float, float, float]:
    """Return the integral range of the phases' correlations along z, y and x, in voxels, at least ½.

    It is the sum over displacements from 0 on of Σ (J_pp − φ_p²) / Σ φ_p (1 − φ_p), where positive, less ½; the mean
    of the two planes that hold the axis.
    """
    reach, every = planes.shape[-1] // 2, range(planes.shape[1])
    shares = planes[:, every, every, reach, reach]
    excess = planes[:, every, every].sum(1) - (shares**2).sum(1)[:, None, None]
    excess /= np.maximum((shares - shares**2).sum(1), 1e-12)[:, None, None]
    found = []
    for axis in range(3):
        normals = [normal for normal in range(3) if normal != axis]
        lines = [
            e if axis == min(a for a in range(3) if a != n) else e.T
            for n, e in zip(normals, excess[normals], strict=True)
        ]
        found.append(max(0.5, float(np.mean([np.maximum(line[reach:, reach], 0).sum() for line in lines])) - 0.5))
    z, y, x = found
    return z, y, x


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


def possible(autos: np.ndarray, shares: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Return S2 maps that fields can have, near to the given ones up to a radius: their spectra are nowhere negative.

    Beyond the radius the maps are free. They are found by projecting in turn on spectra without negative parts and on
    the given values (Papoulis 1975); where both can't be, the nearest spectrum stands.

    Args:
        autos: S2 map of each phase, (phases, 2 reach + 1, …), which falls to φ² at its sides.
        shares: φ of each phase.
        radius: Up to this length of the displacement the given values count.

    Returns:
        The maps, and the largest change up to the radius of each.
    """
    given = fft.ifftshift(lengths(autos.shape[-1] // 2) <= radius)
    found, change = np.empty_like(autos), np.zeros(len(autos))
    for p, share in enumerate(shares):
        wanted = fft.ifftshift(autos[p] - share**2)
        covariance = wanted
        for _ in range(EXTENSIONS):
            spectrum = fft.rfftn(covariance).real
            if -spectrum.min() <= NEGATIVE * spectrum.max():
                break
            covariance = fft.irfftn(np.maximum(spectrum, 0), wanted.shape)
            covariance[given] = wanted[given]
        spectrum = fft.fftn(covariance).real
        if spectrum.max() > 0:  # or the phase is nowhere or everywhere
            covariance = fft.ifftn(nearest_spectrum(spectrum)).real
        change[p] = np.abs(covariance - wanted)[given].max()
        found[p] = fft.fftshift(covariance) + share**2
    return found, change


def phase_pairs(phases: int) -> list[tuple[int, int]]:
    """Return the pairs of phases whose maps fix all: each with itself, and of more than three phases every two.

    As the phases fill space, the cross-correlations of two or three follow from the others (their part that is even).
    """
    alone = [(p, p) for p in range(phases)]
    return alone if phases <= 3 else alone + [(p, q) for p in range(phases) for q in range(p + 1, phases)]


def pair_maps(fields: np.ndarray, pairs: Sequence[tuple[int, int]], reach: int) -> np.ndarray:
    """Return the mean product of two fields at each displacement, over all pairs inside their box; its even part.

    Args:
        fields: (fields, z, y, x).
        pairs: Which fields.
        reach: Largest displacement; those that the box does not have give 0.

    Returns:
        float64 (pairs, 2 reach + 1, …); of indicators it is their map.
    """
    shape = fields.shape[1:]
    own = [min(reach, n - 1) for n in shape]
    box, inner = padded(shape, own), tuple(slice(reach - k, reach + k + 1) for k in own)
    counts = pair_counts(shape, own)
    spectra = [fft.rfftn(field.astype(np.float64), box) for field in fields]
    found = np.zeros((len(pairs), *(2 * reach + 1,) * 3))
    for (p, q), made in zip(pairs, found, strict=True):
        power = spectra[p].real * spectra[q].real + spectra[p].imag * spectra[q].imag
        made[inner] = fft.irfftn(power, box)[around(box, own)] / counts
    return found
