"""Where a whole volume does not show the scan that it was made from: a label volume on the scan's grid, streamed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import Degradation, agrees, degraded
from mesofuse.interfaces.problem import Problem
from mesofuse.streaming.output import open_output
from mesofuse.volumes.grid import Region, Triple
from mesofuse.volumes.labels import Labels, is_masked
from mesofuse.volumes.mask import compared
from mesofuse.volumes.phases import IGNORED, Phase
from mesofuse.volumes.scale import seen_region, shapes_differ
from mesofuse.volumes.store.volume import StoredVolume

PHASES = (Phase(0, "agrees", "#f2f2f2"), Phase(1, "violated", "#d55e00"))
BLOCK = 128  # high-resolution voxels along the edge of a block, about


@dataclass(frozen=True)
class Violations:
    """What was found.

    Attributes:
        volume: The map: 0 where the degraded volume shows the scan's phase, 1 where it does not; ignored where the scan
            or all of the volume in its voxel's space is.
        voxels: Voxels of the scan by phase.
        violated: Those of them that are not shown.
    """

    volume: StoredVolume
    voxels: np.ndarray
    violated: np.ndarray


def violations(
    volume: Labels,
    low_res: Labels,
    problem: Problem,
    degradation: Degradation,
    out: str,
    *,
    overwrite: bool = False,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Violations:
    """Write the map of a volume's violations, by the rule of the metric low-res-consistency, and count them.

    Args:
        volume: The high-resolution volume, of the scan's shape times the scale, or a part of a scan voxel more.
        low_res: The scan.
        problem: Scale and phases.
        degradation: The model of the instrument, built for ``problem``.
        out: Path or URL of the zarr volume to write.
        overwrite: Replace what exists.
        workers: Threads.
        progress: Called with blocks done and blocks in all.

    Raises:
        UserError: If the shapes don't fit, or the output may not be written.
    """
    from dask.threaded import get

    grid, phases = low_res.grid, len(problem.phases)
    if seen_region(volume.grid.shape, grid.shape, problem.scale) is None:
        raise UserError(shapes_differ(volume.grid.shape, grid.shape, problem.scale))
    z, y, x = (max(1, min(64, round(BLOCK / s))) for s in problem.scale)
    chunk: Triple = (z, y, x)
    masked = is_masked(volume) or is_masked(low_res)
    made = open_output(out, grid, PHASES, chunk, None, {"job": "consistency"}, overwrite=overwrite, masked=masked)
    blocks = list(grid.region.blocks(made.write_unit))
    lock, done = threading.Lock(), 0

    def work(core: Region) -> np.ndarray:
        nonlocal done
        window = core.grown(degradation.halo, grid.shape)
        outer = window.scaled(problem.scale)
        labels = volume.read(outer)
        seen = degraded(degradation, labels, phases, window)
        scan = low_res.read(core)
        known = compared(scan, labels[core.scaled(problem.scale).within(outer)], core, problem.scale)
        wrong = ~agrees(seen[:, *core.within(window)], scan) & known
        made.write(core, np.where(known, wrong.astype(np.uint8), np.uint8(IGNORED)))
        count = len(problem.low_phases)
        with lock:
            done += 1
            if progress:
                progress(done, len(blocks))
        return np.stack([np.bincount(part, minlength=count) for part in (scan[known], scan[wrong])])

    graph = {("block", i): (work, block) for i, block in enumerate(blocks)}
    voxels, violated = np.sum(get(graph, list(graph), num_workers=workers), axis=0)
    made.build_levels()
    made.set_provenance({**made.provenance, "complete": True})
    return Violations(made, voxels, violated)
