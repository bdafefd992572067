"""Sample data by name: `mesofuse.data`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mesofuse.api.pair import Pair
from mesofuse.api.volume import Volume, image, volume
from mesofuse.api.words import in_python
from mesofuse.demo.demo import IMAGES, LOW_PHASES, SCALE, SHOWS, image_edge
from mesofuse.demo.electrode import NAMES, make_electrode, make_scan, sections
from mesofuse.errors import UserError
from mesofuse.interfaces.problem import Problem
from mesofuse.registry import get_registry
from mesofuse.volumes.phases import PhaseMatch, default_phases


@dataclass(frozen=True)
class Sample:
    """A made-up material whose truth is known.

    Attributes:
        scan: The blurry volume.
        image: The sharp images, of another piece of the same material.
        truth: What the scan was made from.
        pair: Scan and image, ready to be fitted.
    """

    scan: Volume
    image: Volume
    truth: Volume
    pair: Pair


@in_python
def electrode(size: int = 256, *, seed: int = 0) -> Sample:
    """Make the demo's electrode: pore, active particles and binder, which the scan can't tell from pore.

    Args:
        size: Edge of the truth in voxels, a multiple of 4; the scan has a quarter of them. 256 takes half a minute, 64
            a second.
        seed: Another seed gives another piece of the material.

    Raises:
        UserError: If the size is not usable.

    >>> import mesofuse as mf
    >>> sample = mf.data.electrode(64)
    >>> sample.pair.scan
    <volume of 16 × 16 × 16 voxels of 0.4 µm: pore + binder, active (temporary)>
    """
    if size % SCALE or size < 8 * SCALE:
        raise UserError(f"The electrode can't have an edge of {size} voxels: give a multiple of {SCALE} from 32 on.")
    truth, edge = make_electrode((size,) * 3, seed=seed), image_edge(size)
    stack = sections(make_electrode((edge,) * 3, seed=seed + 1), IMAGES, edge, seed=seed)
    problem = Problem((float(SCALE),) * 3, default_phases(2, LOW_PHASES), truth.phases, PhaseMatch(SHOWS))
    scan = make_scan(truth, get_registry().find("degradation", "blur-downsample").build(None, problem), problem)
    fine, coarse = truth.grid.voxel_size, scan.grid.voxel_size
    unit = truth.grid.unit
    opened = volume(scan.array, voxel_size=coarse, unit=unit)
    shown = image(stack.array, phases=NAMES, pixel_size=fine[1:], unit=unit)
    names: dict[int | str, list[str]] = {i: [NAMES[v] for v in values] for i, values in enumerate(SHOWS)}
    pair = Pair(opened, shown, scale=SCALE, shows={**names})
    known = replace(volume(truth.array, voxel_size=fine, unit=unit, phases=NAMES), title="truth")
    return Sample(opened, shown, known, pair)
