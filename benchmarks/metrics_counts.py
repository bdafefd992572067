"""Time the metrics next to taufactor's own functions and other ways, in memory and streamed from a zarr volume.

    python benchmarks/metrics_counts.py [--size 256] [--no-taufactor] [--zarr-size 0]

Prints one line a metric: seconds, voxels a second, and how many times faster than taufactor's function for the same.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import edt
import numpy as np
from mesofuse_metrics.euler_number import EulerNumber
from mesofuse_metrics.local_thickness import LocalThickness
from mesofuse_metrics.options import TwoPointOptions
from mesofuse_metrics.specific_surface_area import SpecificSurfaceArea
from mesofuse_metrics.surface_area import SurfaceArea
from mesofuse_metrics.triple_phase_boundary import TriplePhaseBoundary
from mesofuse_metrics.two_point_correlation import TwoPointCorrelation
from mesofuse_metrics.volume_fraction import VolumeFraction
from scipy.ndimage import gaussian_filter

from mesofuse.evaluation.measure import measure
from mesofuse.interfaces.metric import Measurement, Metric, MetricContext
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume


def electrode(size: int, sigma: float = 2) -> np.ndarray:
    """Three phases of smooth random shapes."""
    field = gaussian_filter(np.random.default_rng(0).random((size,) * 3, dtype=np.float32), sigma, mode="wrap")
    return np.digitize(field, np.quantile(field, [0.45, 0.85])).astype(np.uint8)


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the median time of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def rivals(labels: np.ndarray) -> dict[str, Callable[[], object]]:
    from taufactor import metrics

    signed = labels.astype(np.int64)  # its triple-phase boundary overflows on uint8
    phases = {"pore": 0, "active": 1, "binder": 2}
    return {
        "volume-fraction": lambda: metrics.volume_fraction(labels, phases),
        "surface-area": lambda: metrics.interfacial_areas(labels, verbose=False),
        "triple-phase-boundary": lambda: metrics.triple_phase_boundary(signed),
    }


def even_levels(mask: np.ndarray, levels: int = 24) -> np.ndarray:
    """Local thickness the plain way: a distance transform of the whole volume for each of some even sizes."""
    radius = edt.edt(mask, black_border=False)
    thickness = np.zeros(mask.shape, np.float32)
    for level in np.linspace(1, radius.max(), levels):
        thickness[mask & (edt.edt(radius < level, black_border=False) < level + 0.5)] = 2 * level
    return thickness


def sizes(size: int, sigma: float) -> None:
    """Time local thickness, which tells apart every size that exists, next to 24 even sizes."""
    labels = electrode(size, sigma)
    context, metric = MetricContext(Grid(labels.shape), default_phases(3)), LocalThickness()
    ours = seconds(lambda: metric.measure(labels, context), repeats=1)
    other = seconds(lambda: [even_levels(labels == value) for value in range(3)], repeats=1)
    print(f"local-thickness, blur {sigma} {ours:8.3f} s   24 even sizes {other:.3f} s, {other / ours:.1f}x", flush=True)
    found = [r.value for r in metric.measure(labels, context) if isinstance(r, Measurement)]
    even = [float(even_levels(labels == value)[labels == value].mean()) for value in range(3)]
    print("    means", ", ".join(f"{a:.2f} ({b:.2f})" for a, b in zip(found, even, strict=True)), flush=True)


def in_memory(size: int, against: bool) -> None:
    labels = electrode(size)
    context = MetricContext(Grid(labels.shape), default_phases(3))
    theirs = rivals(labels) if against else {}
    timed: dict[str, Metric] = {
        "volume-fraction": VolumeFraction(),
        "surface-area": SurfaceArea(),
        "specific-surface-area": SpecificSurfaceArea(),
        "triple-phase-boundary": TriplePhaseBoundary(),
        "euler-number": EulerNumber(),
        "S2, axes, 64 lags": TwoPointCorrelation(TwoPointOptions(radial=False)),
    }
    for name, metric in timed.items():
        metric.measure(labels, context)
        ours = seconds(lambda metric=metric: metric.measure(labels, context))  # type: ignore[misc]
        line = f"{name:24} {ours:8.3f} s  {labels.size / ours / 1e6:8.0f} Mvoxel/s"
        if name in theirs:
            with contextlib.redirect_stdout(io.StringIO()):
                other = seconds(theirs[name], repeats=1)
            line += f"   taufactor {other:8.3f} s, {other / ours:6.0f}x"
        print(line, flush=True)


def streamed(size: int) -> None:
    tile = electrode(128)
    with tempfile.TemporaryDirectory() as folder:
        grid = Grid((size,) * 3, (0.1,) * 3, "micrometer")
        volume = LabelVolume.create(Path(folder) / "volume.zarr", grid, default_phases(3), chunks=128)
        for region in grid.region.blocks((128, 128, 128)):
            volume.write(region, tile[tuple(slice(n) for n in Region.whole(region.shape).stop)])
        chosen = ["volume-fraction", "surface-area", "triple-phase-boundary"]
        for names in (chosen, [*chosen, ("two-point-correlation", {"radial": False})]):
            start = time.perf_counter()
            measure(volume, names, workers=2)
            taken = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            rate = size**3 / taken / 1e6
            print(f"{size}^3 zarr, {len(names)} metrics: {taken:.1f} s, {rate:.1f} Mvoxel/s, peak {peak:.2f} GiB")


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--no-taufactor", action="store_true")
    parser.add_argument("--zarr-size", type=int, default=0, help="edge of a zarr volume to stream; 0: none")
    args = parser.parse_args()
    in_memory(args.size, not args.no_taufactor)
    for sigma in (2, 4):
        sizes(args.size, sigma)
    if args.zarr_size:
        streamed(args.zarr_size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
