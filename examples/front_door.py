"""The ten lines: from a scan and an image to a fused volume, its numbers and a figure, in Python.

    python examples/front_door.py [--minutes 4] [--size 256] [--out fused.png]

The data is the demo's electrode, whose truth is known. `front_door.ipynb` is the same as a notebook.
"""

from __future__ import annotations

import argparse

import mesofuse as mf


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4.0, help="training budget")
    parser.add_argument("--steps", type=int, help="training budget in steps instead")
    parser.add_argument("--size", type=int, default=256, help="edge of the electrode in voxels")
    parser.add_argument("--out", default="fused.png", help="figure to write")
    args = parser.parse_args()
    budget = {"steps": args.steps} if args.steps else {"minutes": args.minutes}

    sample = mf.data.electrode(args.size)
    pair = mf.Pair(sample.scan, sample.image, scale=4, shows={0: ["pore", "binder"], 1: ["active"]})
    print(pair.preflight())
    model = mf.fit(pair, "superres", seed=0, **budget)
    fused = model.generate(pair.scan, seed=1)
    table = mf.measure(
        {"truth": sample.truth, "fused": fused, "image": sample.image}, ["volume-fraction", "surface-area"],
        reference=sample.truth,
    )  # fmt: skip
    print(table)
    axes = mf.plot.slices(fused, pair.scan, sample.image)
    axes[0].figure.savefig(args.out, dpi=150)
    print(f"Figure: {args.out}")


if __name__ == "__main__":
    main()
