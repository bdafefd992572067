"""Sample data by name: `mesofuse.data`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mesofuse.api.pair import Pair
from mesofuse.api.volume import Volume, image, volume
from mesofuse.api.words import in_python
from mesofuse.demo.demo import SCALE, SHOWS, make_known
from mesofuse.errors import UserError
from mesofuse.simulation.electrode import NAMES


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
    known = make_known(size, seed)
    fine, unit = known.truth.grid.voxel_size, known.truth.grid.unit
    scan = volume(known.scan.array, voxel_size=known.scan.grid.voxel_size, unit=unit)
    shown = image(known.image.array, phases=NAMES, pixel_size=fine[1:], unit=unit)
    pair = Pair(scan, shown, scale=SCALE, shows={i: [NAMES[v] for v in values] for i, values in enumerate(SHOWS)})
    truth = replace(volume(known.truth.array, voxel_size=fine, unit=unit, phases=NAMES), title="truth")
    return Sample(scan, shown, truth, pair)
