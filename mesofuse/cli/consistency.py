"""``mesofuse consistency``: where a whole result does not show its scan."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import click

from mesofuse.cli import options, part_options

if TYPE_CHECKING:
    from mesofuse.volumes.grid import Scale


@click.command("consistency")
@click.argument("result", metavar="RESULT")
@click.argument("scan", metavar="SCAN")
@options.scale
@click.option("--out", required=True, metavar="MAP", help="The map to write (zarr).")
@click.option(
    "--shows",
    multiple=True,
    metavar="LOW=NAME,...",
    help="Which phases of RESULT a phase of the scan shows; the same number if left out.",
)
@click.option("--phases", metavar="NAME,...", help="Names of RESULT's phases by label, where the file has none.")
@click.option(
    "--degradation",
    default="blur-downsample",
    show_default=True,
    metavar="NAME",
    help="What the scanner does to the material.",
)
@click.option(
    "--ignore", multiple=True, metavar="VALUE", help="Voxels of SCAN of this value are no material; may be repeated."
)
@click.option("--workers", type=click.IntRange(min=1), help="Threads. [default: one per core]")
@options.overwrite
@options.quiet
@options.as_json
def command(
    result: str, scan: str, scale: Scale | None, out: str, shows: tuple[str, ...], phases: str | None,
    degradation: str, ignore: tuple[str, ...], workers: int | None, overwrite: bool, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Degrade RESULT as the scanner would, and write where it shows another phase than SCAN: 0 agrees, 1 violated.

    MAP is a label volume on the scan's grid; any size is streamed.

    \b
    Example:
      mesofuse consistency fused.zarr scan.tif --scale 4 --shows 0=pore,binder --shows 1=active --out violations.zarr
    """  # fmt: skip
    from mesofuse.console.terminal import unguarded
    from mesofuse.evaluation.violations import violations
    from mesofuse.interfaces.problem import Problem
    from mesofuse.pipeline.measurands import open_all, open_scan
    from mesofuse.streaming.compute import default_workers
    from mesofuse.streaming.output import check_output

    check_output(out, resume=False, overwrite=overwrite)
    file = open_all([result], phases, note=options.echo_note)[result]
    volume, opened = file[0], open_scan(
        scan, result, file, scale, shows, degradation, part_options.parse(ignore), options.echo_note
    )  # fmt: skip
    low = opened.low_res
    problem = Problem(opened.scale_of(volume), low.phases, volume.phases, opened.match)
    assert opened.degradation is not None
    shown = io.StringIO() if quiet or as_json else unguarded(sys.stderr)
    with click.progressbar(length=1, label="Comparing", file=shown) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(1)

        found = violations(
            volume, low, problem, opened.degradation, out, overwrite=overwrite,
            workers=workers or default_workers("cpu"), progress=progress,
        )  # fmt: skip
    rows = [("all", int(found.voxels.sum()), int(found.violated.sum()))]
    rows += [
        (p.name, int(n), int(k)) for p, n, k in zip(low.phases, found.voxels, found.violated, strict=True)
    ]  # fmt: skip
    if as_json:
        shares = [{"phase": name, "voxels": n, "violated": k, "share": k / n if n else None} for name, n, k in rows]
        options.echo_json({"map": out, "violations": shares})
        return
    for name, n, k in rows:
        click.echo(f"{name}: {k:,} of {n:,} voxels violated" + (f" ({k / n:.2%})" if n else ""))
    click.echo(f"Wrote {out}")
