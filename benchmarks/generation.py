"""Time and memory of generation: canonical tiles with an exact halo next to the usual ways, in one run.

The usual ways are the whole volume at once, and tiles that overlap by half of which the middle is kept (as the
published SuperRes program does). All use the same network, weights and threads; each is run in a process of its own,
so that its peak memory is its own.

    python benchmarks/generation.py --low 32 --preset slim
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

WAYS = ("tiles", "half-overlap", "whole")


def build(preset: str):
    import torch

    from mesofuse.config.method import resolve_method
    from mesofuse.testing.problems import make_problem
    from mesofuse.training.generator_model import GeneratorModel

    component, options = resolve_method("superres", preset, {})
    torch.manual_seed(0)
    return GeneratorModel(component.build(options).build_generator(make_problem(2, 3, 4)), make_problem(2, 3, 4))


def run(way: str, low_edge: int, preset: str) -> dict[str, float]:
    import numpy as np
    import psutil
    import torch

    from mesofuse.interfaces.method import TileInput
    from mesofuse.streaming.compute import compute_tile
    from mesofuse.streaming.noise import draw_noise
    from mesofuse.streaming.tiles import Tiling
    from mesofuse.testing.problems import blobs
    from mesofuse.volumes.grid import Region

    torch.set_num_threads(1)
    model, low = build(preset), blobs((low_edge,) * 3, 2)
    shape = low.grid.shape
    tiling = Tiling.of(model, shape)
    out = np.zeros(tiling.output.shape, dtype=np.uint8)

    def window(region: Region, core: Region) -> np.ndarray:
        noise = tuple(draw_noise(n, 0, region.scaled(n.factor)) for n in model.noise)
        return model.reconstruct(TileInput(core, region, shape, low.read(region), noise)).labels

    compute_tile(model, tiling.tile((0, 0, 0)), shape, low, 0)
    started = time.perf_counter()
    computed = 0
    if way == "tiles":
        for tile in tiling.touching(tiling.output):
            out[tile.output.slices] = compute_tile(model, tile, shape, low, 0)
            computed += tile.output.size
    elif way == "whole":
        out[:] = window(low.grid.region, low.grid.region)
        computed = out.size
    else:
        # Windows of a canonical tile's size every half of it; the network fills all of each, the middle is kept.
        half = model.tile[0] // 2
        for core in low.grid.region.blocks((half,) * 3):
            region = core.grown((half // 2,) * 3, shape)
            labels = window(region, region)
            computed += labels.size
            out[core.scaled(model.scale).slices] = labels[core.scaled(model.scale).within(region.scaled(model.scale))]
    seconds = time.perf_counter() - started
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "seconds": seconds,
        "voxels_per_second": out.size / seconds,
        "computed_per_voxel": computed / out.size,
        "peak_bytes": peak,
        "end_bytes": psutil.Process().memory_info().rss,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--low", type=int, default=32, help="edge of the scan")
    parser.add_argument("--preset", default="slim", choices=("slim", "paper"))
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(run(options.way, options.low, options.preset)))
        return
    rows: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(options.repeat):
        for way in WAYS:
            command = [sys.executable, __file__, "--way", way, "--low", str(options.low), "--preset", options.preset]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == 0:
                rows[way].append(json.loads(done.stdout))
    base = sorted(r["seconds"] for r in rows["tiles"])[len(rows["tiles"]) // 2]
    print(f"{options.preset}, {options.low}³ → {4 * options.low}³, one thread, median of {options.repeat}")
    for way, runs in rows.items():
        if not runs:
            print(f"{way:14s} did not finish (out of memory?)")
            continue
        middle = sorted(runs, key=lambda r: r["seconds"])[len(runs) // 2]
        print(
            f"{way:14s} {middle['seconds']:7.2f} s  {middle['voxels_per_second'] / 1e3:7.0f} kvoxel/s  "
            f"{middle['seconds'] / base:5.2f} × tiles  {middle['computed_per_voxel']:.2f} voxels computed a voxel  "
            f"peak {middle['peak_bytes'] / 1e9:.2f} GB"
        )


if __name__ == "__main__":
    main()
