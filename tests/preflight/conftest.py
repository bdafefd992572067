"""Random media of known statistics, and an electrode with its scan."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mesofuse.interfaces.method import FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases


def discs(shape, radius, fraction, rng):
    """Overlapping discs or spheres (a Boolean model) that fill ``fraction`` on average."""
    volume = np.pi * radius**2 if len(shape) == 2 else 4 / 3 * np.pi * radius**3
    room = np.array(shape) + 2 * radius
    count = rng.poisson(-np.log(1 - fraction) / volume * np.prod(room))
    labels = np.zeros(shape, np.uint8)
    for centre in rng.uniform(-radius, room - radius, (count, len(shape))):
        at = tuple(slice(max(0, int(c - radius)), max(0, int(c + radius) + 2)) for c in centre)
        axes = np.ogrid[tuple(slice(s.start, min(s.stop, n)) for s, n in zip(at, shape, strict=True))]
        labels[at] |= sum((a - c) ** 2 for a, c in zip(axes, centre, strict=True)) <= radius**2
    return labels


def gaussian(shape, length, rng, level=0.0):
    """A Gaussian random field, smooth over ``length`` pixels (one number or one an axis), above ``level``."""
    lengths = np.broadcast_to(length, len(shape))
    margins = np.ceil(4 * lengths).astype(int)
    field = gaussian_filter(rng.standard_normal(np.array(shape) + 2 * margins), lengths)
    field = field[tuple(slice(m, m + n) for m, n in zip(margins, shape, strict=True))]
    return (field / np.prod(np.sqrt(1 / (2 * lengths * np.sqrt(np.pi)))) > level).astype(np.uint8)


def inputs(scan, images, scale, shows=((0,), (1,))):
    """What a method would be fitted to: arrays, or three arrays for the images of an anisotropic recipe."""
    stacks = [np.asarray(i, np.uint8) for i in (images if isinstance(images, tuple) else (images,))]
    high = default_phases(max(int(max(s.max() for s in stacks)), *(v for values in shows for v in values)) + 1)
    opened = [LabelArray(s, Grid(s.shape), high) for s in stacks]
    low = default_phases(len(shows))
    problem = Problem((float(scale),) * 3 if np.isscalar(scale) else scale, low, high, PhaseMatch(tuple(shows)))
    volume = None if scan is None else LabelArray(np.asarray(scan, np.uint8), Grid(scan.shape), low)
    return FusionInputs(volume, tuple(opened * 3 if len(opened) == 1 else opened), problem)


@pytest.fixture(scope="session")
def media():
    """The functions of this file."""
    return SimpleNamespace(discs=discs, gaussian=gaussian, inputs=inputs)


@pytest.fixture(scope="session")
def electrode():
    """A scan at scale 4 by each instrument, and sections of another electrode: arrays."""
    from mesofuse.registry import get_registry
    from mesofuse.simulation.electrode import make_electrode, make_scan, sections

    problem = Problem((4.0,) * 3, default_phases(2), default_phases(3), PhaseMatch(((0, 2), (1,))))
    truth = make_electrode((160,) * 3, seed=0)
    scans = {}
    for name in ("blur-downsample", "nearest"):
        instrument = get_registry().find("degradation", name).build(None, problem)
        scans[name] = make_scan(truth, instrument, problem).array
    return scans, sections(make_electrode((160,) * 3, seed=50), 6, 160).array
