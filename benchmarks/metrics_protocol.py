"""Time the paper's protocol: random 64³ subvolumes with fractions, areas, boundaries and the pore's tau on three axes.

    python benchmarks/metrics_protocol.py [--count 256] [--workers 2] [--size 256]

Prints the seconds that each metric takes for all subvolumes.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from scipy.ndimage import gaussian_filter

from mesofuse.evaluation.distributions import summary
from mesofuse.evaluation.measure import MetricChoice
from mesofuse.evaluation.subvolumes import sample
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=256)
    args = parser.parse_args()
    field = gaussian_filter(np.random.default_rng(0).random((args.size,) * 3, dtype=np.float32), 4, mode="wrap")
    labels = np.digitize(field, np.quantile(field, [0.45, 0.85])).astype(np.uint8)
    volume = LabelArray(labels, Grid(labels.shape), default_phases(3, ["pore", "active", "binder"]))
    counted: list[MetricChoice] = ["volume-fraction", "surface-area", "triple-phase-boundary"]
    tau: list[MetricChoice] = [("tortuosity", {"phases": ("pore",)})]
    for name, metrics in (("fractions, areas, boundaries", counted), ("tortuosity of the pore", tau)):
        start = time.perf_counter()
        sampled = sample(volume, metrics, count=args.count, workers=args.workers)
        print(
            f"{name}: {time.perf_counter() - start:.1f} s for {args.count} subvolumes, {args.workers} processes",
            flush=True,
        )
    for key in sampled.values:
        found = summary(sampled, key)
        print(f"  {' '.join(key)}: {found.mean:.3f} ± {found.error:.3f}, finite in {found.finite:.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
