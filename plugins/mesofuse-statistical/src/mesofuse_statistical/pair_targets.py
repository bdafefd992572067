"""Which two-point maps a volume is to have: those of the images, but what the scan tells as the scan has it."""

from __future__ import annotations

import math

import numpy as np
from scipy import fft

from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.method import TileInput
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Triple
from mesofuse_statistical.correlation_maps import (
    around,
    assembled,
    faded,
    lengths,
    padded,
    pair_maps,
    phase_pairs,
    possible,
    with_shares,
)
from mesofuse_statistical.expected import expected_shares
from mesofuse_statistical.retrieval import Search, retrieve
from mesofuse_statistical.scan_rule import ScanRule, own_weights

TRIAL_EDGE, TRIAL_CELLS = 64, 4
"""Edge of the volume that tells what a scan misses: at least so many voxels, and so many scan voxels."""
TRIAL = Search(projections=10, exchanges=40, tolerance=1e-3, blur=0.5)


def image_targets(planes: np.ndarray, shares: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the maps in three dimensions that images have in their planes.

    Args:
        planes: Maps of the planes normal to z, y and x: (3, phases, phases, 2 reach + 1, 2 reach + 1).
        shares: Fraction of each phase.
        radius: From here to the reach correlations fade to none.

    Returns:
        The map of each of `phase_pairs`, (pairs, 2 reach + 1, …), which fall to φ_p φ_q at their sides; and the
        largest change of each phase's that was needed up to the radius, as no volume has what the images ask.
    """
    joint = faded(with_shares(assembled(planes), shares), shares, radius)
    found = np.stack([joint[p, q] for p, q in phase_pairs(len(shares))])
    found[: len(shares)], change = possible(found[: len(shares)], shares, radius)
    return found, change


def products(shares: np.ndarray) -> np.ndarray:
    """Return φ_p φ_q of each of `phase_pairs`, (pairs, 1, 1, 1): what maps are where voxels know nothing of others."""
    return np.array([shares[p] * shares[q] for p, q in phase_pairs(len(shares))])[:, None, None, None]


def scan_shares(scan: np.ndarray, problem: Problem, shares: np.ndarray) -> np.ndarray:
    """Return `expected_shares` of a whole scan, float32."""
    region = Region.whole(scan.shape)
    tile = TileInput(region, region, region.shape, scan, ())
    return expected_shares(tile, problem, shares).astype(np.float32)


def missed_by_scan(
    target: np.ndarray,
    shares: np.ndarray,
    radius: int,
    problem: Problem,
    degradation: Degradation | None,
    planar: bool,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return what the covariances of the phases have beyond those of the shares which a scan lets expect.

    It is measured on a volume with the images' maps, made without a scan, and what a scan would show of it.

    Args:
        target: The images' maps, from `image_targets`.
        shares: Fraction of each phase.
        radius: Displacements up to this length are met in the trial; beyond, what is missed fades to none.
        problem: Scale, phases, and which shows which.
        degradation: The model of the instrument; None: plain means.
        planar: Whether the scan is an image.
        rng: Makes the trial.

    Returns:
        float64 (pairs, 2 reach + 1, …).
    """
    reach = target.shape[-1] // 2
    z, y, x = (max(TRIAL_CELLS, math.ceil(TRIAL_EDGE / s)) for s in problem.scale)
    cells: Triple = (1 if planar else z, y, x)
    shape = Region.whole(cells).scaled(problem.scale).shape
    phases = len(shares)
    fields = correlated((target - products(shares))[:phases], shape, rng)
    labels = retrieve(fields, voxel_counts(shares, math.prod(shape)), target, radius, None, TRIAL).labels
    weights = None if degradation is None else own_weights(degradation, problem, cells)
    shown = ScanRule(np.zeros(cells, np.uint8), problem, weights).shares(labels).argmax(0)
    expected = scan_shares(shown.astype(np.uint8).reshape(cells), problem, shares)
    indicators = np.stack([labels == p for p in range(phases)])
    own, told = (pair_maps(fields, phase_pairs(phases), reach) for fields in (indicators, expected))
    alone = products(indicators.mean((1, 2, 3))) - products(expected.mean((1, 2, 3), dtype=np.float64))
    fade = np.clip((reach - lengths(reach)) / max(1, reach - radius), 0, 1)
    found: np.ndarray = (own - told - alone) * fade
    return found


def scan_targets(expected: np.ndarray, missed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the maps of a volume, and its fractions.

    A map is that of the expected shares and what the scan misses, by a factor that makes it right at h = 0: the
    fraction of a phase, nothing of two.

    Args:
        expected: Expected share of each phase in each voxel, (phases, z, y, x).
        missed: What `missed_by_scan` gave, or the images' covariance where the scan tells nothing.
    """
    reach = missed.shape[-1] // 2
    pairs = phase_pairs(len(expected))
    told = pair_maps(expected, pairs, reach)
    shares = expected.mean((1, 2, 3), dtype=np.float64)
    middle = (slice(None), reach, reach, reach)
    left = np.array([shares[p] if p == q else 0.0 for p, q in pairs]) - told[middle]
    factor = np.divide(left, missed[middle], out=np.zeros(len(left)), where=np.abs(missed[middle]) > 1e-9)
    factor = np.maximum(factor, 0)
    return told + factor[:, None, None, None] * missed, shares


def correlated(covariance: np.ndarray, shape: Triple, rng: np.random.Generator) -> np.ndarray:
    """Return independent Gaussian fields with these covariances, as far as fields can have them: float32.

    Args:
        covariance: (fields, 2 reach + 1, …), which fall to 0 at their sides.
        shape: Voxels (z, y, x); an axis of one voxel has no displacements.
        rng: Makes the noise.
    """
    reach = covariance.shape[-1] // 2
    own = [reach if n > 1 else 0 for n in shape]
    inner = tuple(slice(reach - k, reach + k + 1) for k in own)
    box = padded([max(n, k + 1) for n, k in zip(shape, own, strict=True)], own)
    found = np.empty((len(covariance), *shape), np.float32)
    for field, wanted in zip(found, covariance, strict=True):
        whole = np.zeros(box)
        whole[around(box, own)] = wanted[inner]
        root = np.sqrt(np.maximum(fft.rfftn(whole).real, 0))
        white = fft.rfftn(rng.standard_normal(box))
        field[:] = fft.irfftn(white * root, box)[tuple(slice(n) for n in shape)]
    return found


def voxel_counts(shares: np.ndarray, voxels: int) -> np.ndarray:
    """Return whole numbers of voxels in the proportion of the shares, that sum to all."""
    exact = shares / shares.sum() * voxels
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: voxels - counts.sum()]] += 1
    found: np.ndarray = counts
    return found
