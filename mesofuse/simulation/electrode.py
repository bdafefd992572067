"""A three-phase battery electrode of known truth: what the demo reconstructs, with its sharp sections and its scan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

PORE, ACTIVE, BINDER = 0, 1, 2
NAMES = ("pore", "active", "binder")
VOXEL_SIZE = 0.1  # µm
PATIENCE = 100
PATCHINESS = 0.4
SCAN_BLOCK = (16, 16, 16)


def make_electrode(
    shape: Sequence[int] = (256, 256, 256),
    *,
    seed: int = 0,
    particle_radius: float = 11.0,
    active_fraction: float = 0.385,
    binder_fraction: float = 0.12,
    binder_thickness: float = 4.0,
    binder_grain: float = 0.85,
    binder_affinity: float = 6.0,
    binder_cluster: float = 6.0,
) -> LabelArray:
    """Make an electrode that resembles an NMC cathode: particles, and a fine speckle of binder and carbon about them.

    Randomly turned ellipsoids that overlap a little are placed until the active phase has its share. Binder is where a
    correlated Gaussian random field, raised close to particles and most in the necks between them, exceeds the level
    that gives binder its share. Homogeneous, isotropic and periodic; the same arguments give the same volume.

    Args:
        shape: Voxels along z, y, x, each at least 16.
        seed: Of the random numbers; two seeds give independent realisations of one material.
        particle_radius: Mean radius of the particles in voxels; they vary by a third.
        active_fraction: Share of the volume that particles fill.
        binder_fraction: Share of the volume that binder fills.
        binder_thickness: How far binder is drawn to particles, in voxels.
        binder_grain: Correlation length of the speckle in voxels; features are about two to three times as wide.
        binder_affinity: How strongly binder is drawn to particles, in standard deviations of the speckle.
        binder_cluster: Distance in voxels over which speckle gathers into patches.

    Returns:
        Phases 0 pore, 1 active, 2 binder in voxels of 0.1 µm.

    Raises:
        UserError: If a side is too short or the shares leave no pore.
    """
    from scipy.ndimage import gaussian_filter

    if len(shape) != 3 or min(shape) < 16:
        raise UserError(f"An electrode needs three sides of at least 16 voxels, not {tuple(shape)}.")
    if not (0 < active_fraction < 0.6 and 0 < binder_fraction < 1 - active_fraction):
        raise UserError(
            f"Shares of active {active_fraction} and binder {binder_fraction} cannot be made: "
            "active must be between 0 and 0.6, and both together below 1."
        )
    full = (int(shape[0]), int(shape[1]), int(shape[2]))
    rng = np.random.default_rng(np.random.SeedSequence([seed, *full]))
    active = _pack_particles(full, rng, particle_radius, active_fraction)
    field = _random_field(full, rng, binder_grain) + PATCHINESS * _random_field(full, rng, binder_cluster)
    field += binder_affinity * gaussian_filter(active.astype(np.float32), binder_thickness, mode="wrap")
    outside = field[~active]
    wanted = min(round(binder_fraction * active.size), outside.size - 1)
    level = np.partition(outside, outside.size - wanted)[outside.size - wanted]
    labels = np.where(active, ACTIVE, np.where(field >= level, BINDER, PORE)).astype(np.uint8)
    return LabelArray(labels, Grid(full, (VOXEL_SIZE,) * 3, "micrometer"), default_phases(3, NAMES))


def _random_field(shape: Triple, rng: np.random.Generator, length: float) -> np.ndarray:
    """Return a periodic Gaussian random field of unit variance, float32, smooth over about ``length`` voxels."""
    from scipy.ndimage import gaussian_filter

    field: np.ndarray = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), length, mode="wrap")
    field /= field.std()
    return field


def _pack_particles(shape: Triple, rng: np.random.Generator, radius: float, fraction: float) -> np.ndarray:
    """Return a periodic mask filled with ellipsoids up to ``fraction``; an overlap above a tenth is placed anew."""
    mask = np.zeros(shape, dtype=bool)
    filled, target, refused = 0, fraction * mask.size, 0
    while filled < target:
        at, particle = _ellipsoid(shape, rng, radius)
        there = mask[at]
        overlap = int(np.count_nonzero(there & particle))
        size = int(np.count_nonzero(particle))
        if overlap > 0.1 * size and refused < PATIENCE:
            refused += 1
            continue
        refused = 0
        mask[at] = there | particle
        filled += size - overlap
    return mask


def _ellipsoid(shape: Triple, rng: np.random.Generator, radius: float) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Return a random ellipsoid's box, as a wrapped index, and its mask in that box."""
    semi = radius * np.clip(rng.normal(1, 0.3), 0.4, 1.8) * rng.uniform(0.75, 1.25, 3)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    shift = turn / semi
    form = shift @ shift.T
    centre = rng.uniform(0, shape)
    reach = np.minimum(np.sqrt(np.diag(turn @ np.diag(semi**2) @ turn.T)), (np.array(shape) - 2) / 2)
    axes = [np.arange(np.ceil(c - r), np.floor(c + r) + 1) for c, r in zip(centre, reach, strict=True)]
    z, y, x = np.ix_(*(a - c for a, c in zip(axes, centre, strict=True)))
    distance = (
        form[0, 0] * z * z + form[1, 1] * y * y + form[2, 2] * x * x
        + 2 * (form[0, 1] * z * y + form[0, 2] * z * x + form[1, 2] * y * x)
    )  # fmt: skip
    index = np.ix_(*(a.astype(np.intp) % n for a, n in zip(axes, shape, strict=True)))
    return index, distance <= 1


def sections(volume: LabelArray, n: int, size: int, seed: int = 0) -> LabelArray:
    """Cut sharp square micrographs from a volume, in all three directions in turn.

    Cut them from another realisation than the one that is scanned, or the test of a method is not honest.

    Args:
        volume: What to cut, isotropic.
        n: How many images.
        size: Edge length of an image in voxels.
        seed: Where to cut.

    Returns:
        A stack of images (n, size, size).

    Raises:
        UserError: If the volume is smaller than an image, or n < 1.
    """
    shape = volume.array.shape
    if n < 1 or not 1 <= size <= min(shape):
        raise UserError(f"Cannot cut {n} images of {size}² voxels from a volume of {shape}; ask for fewer voxels.")
    rng = np.random.default_rng(seed)
    images = []
    for i in range(n):
        stack = np.moveaxis(volume.array, i % 3, 0)
        # Spread over the depth, so that images of one direction are as independent as the volume allows.
        share = ((i // 3) + rng.uniform()) / max(1, -(-(n - i % 3) // 3))
        top, left = (int(rng.integers(0, edge - size + 1)) for edge in stack.shape[1:])
        images.append(stack[int(share * stack.shape[0]), top : top + size, left : left + size])
    grid = Grid((n, size, size), (1.0, *volume.grid.voxel_size[1:]), volume.grid.unit)
    return LabelArray(np.ascontiguousarray(np.stack(images)), grid, volume.phases)


def make_scan(truth: LabelArray, degradation: Degradation, problem: Problem) -> LabelArray:
    """Scan a known volume with a scan's instrument: its phases are those that show most in each voxel.

    Args:
        truth: The volume, of the problem's image phases; a rest that fills no scan voxel is left out.
        degradation: The instrument, built for ``problem``.
        problem: Its scale and scan phases.

    Returns:
        Labels of the scan phases on the coarser grid.

    Raises:
        UserError: If the truth is smaller than one scan voxel.
    """
    import torch

    grid = truth.grid.coarsened(problem.scale)
    low = grid.shape
    labels = np.empty(low, np.uint8)
    for core in Region.whole(low).blocks(SCAN_BLOCK):
        window = core.grown(degradation.halo, low)
        part = torch.from_numpy(truth.read(window.scaled(problem.scale)).astype(np.int64))
        one_hot = torch.nn.functional.one_hot(part, len(problem.phases)).permute(3, 0, 1, 2)[None].float()
        with torch.inference_mode():
            shows = degradation(one_hot, window)
        labels[core.slices] = shows[0].argmax(0).numpy()[core.within(window)]
    return LabelArray(labels, grid, problem.low_phases)
