"""``mesofuse measure``: numbers of volumes and images, next to each other and against a reference."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mesofuse.cli import options, part_options
from mesofuse.cli.measure_inputs import DEFAULT, metric_choices
from mesofuse.errors import UserError
from mesofuse.volumes.grid import Scale, parse_scale
from mesofuse.volumes.units import parse_pixel_size, parse_voxel_size

if TYPE_CHECKING:
    from mesofuse.evaluation.measure import MetricChoice
    from mesofuse.interfaces.metric import Measured
    from mesofuse.volumes.content import Content
    from mesofuse.volumes.grid import Grid
    from mesofuse.volumes.phases import Phase

CONSISTENCY = "low-res-consistency"


@click.command("measure")
@click.argument("volumes", nargs=-1, required=True, metavar="VOLUME...")
@click.option("--reference", metavar="FILE", help="Volume or image that errors are relative to.")
@click.option("--metrics", metavar="NAME,...", help=f"What to measure: names, or 'all'. [default: {DEFAULT}]")
@click.option("--phases", metavar="NAME,...", help="Names of the phases by label, for files that have none.")
@click.option("--low-res", metavar="FILE", help="The scan that VOLUME was made from: adds low-res-consistency.")
@click.option("--scale", callback=lambda _c, _p, v: parse_scale(v) if v else None, metavar="N[,N,N]",
              help="Voxels of VOLUME along one of the scan. [default: what the files' voxel sizes give]")  # fmt: skip
@click.option("--shows", multiple=True, metavar="LOW=NAME,...",
              help="Which phases a phase of the scan shows; the same number if left out.")  # fmt: skip
@click.option("--degradation", default="blur-downsample", show_default=True, metavar="NAME",
              help="What the scanner does to the material.")  # fmt: skip
@click.option("--stack", is_flag=True, help="The files are stacks of separate images, not volumes.")
@click.option("--json", "json_path", metavar="FILE", help="Write all as JSON; - prints it instead of the table.")
@click.option("--set", "settings", multiple=True, metavar="METRIC.OPTION=VALUE",
              help="An option of a metric, for example tortuosity.axes=[z]; see `mesofuse plugins show`.")  # fmt: skip
@click.option("--samples", type=click.IntRange(min=2), metavar="N",
              help="Measure N random subvolumes (or patches) instead; shows mean ± standard error.")  # fmt: skip
@click.option(
    "--size", type=click.IntRange(min=1), default=64, show_default=True, help="Edge of a subvolume in voxels."
)
@click.option("--record", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
              help="Keep each subvolume's values there at once, and go on from what it holds.")  # fmt: skip
@options.seed
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True,
              help="Threads; with --samples, processes.")  # fmt: skip
@click.option("--voxel-size", callback=lambda _c, _p, v: parse_voxel_size(v)[0] if v else None, metavar="L[,L,L]",
              help="Edge length of a voxel, for volumes (and images, without the next) that state none.")  # fmt: skip
@click.option("--image-pixel-size", callback=lambda _c, _p, v: parse_pixel_size(v) if v else None, metavar="L[,L]",
              help="Edge length of a pixel of the images (single planes, or --stack) that state none.")  # fmt: skip
@options.unit
@click.option("--ignore", multiple=True, metavar="[low-res=]VALUE",
              help="Voxels of this value are no material, in whichever of the files they occur; low-res=VALUE: in the "
              "scan alone. See `mesofuse import --help`. May be repeated.")  # fmt: skip
@click.option("--crop", metavar="z0:z1,y0:y1,x0:x1", help="Measure this part of each VOLUME only.")
@click.option("--content", type=click.Choice(["phases", "grey", "colour"]), default="phases", show_default=True,
              help="What image files hold; volumes made by mesofuse say it themselves.")  # fmt: skip
def command(
    volumes: tuple[str, ...],
    reference: str | None,
    metrics: str | None,
    phases: str | None,
    low_res: str | None,
    scale: Scale | None,
    shows: tuple[str, ...],
    degradation: str,
    stack: bool,
    json_path: str | None,
    settings: tuple[str, ...],
    samples: int | None,
    size: int,
    record: Path | None,
    seed: int,
    workers: int,
    voxel_size: Scale | None,
    image_pixel_size: tuple[float, float] | None,
    unit: str | None,
    ignore: tuple[str, ...],
    crop: str | None,
    content: Content,
) -> None:
    """Measure VOLUMEs (zarr volumes, stacks, images) and show them next to each other.

    \b
    Example:
      mesofuse measure fused.zarr --reference sem.tif --phases pore,active,binder
      mesofuse measure fused.zarr --low-res scan.tif --scale 4 --shows 0=pore,binder --shows 1=active
      mesofuse measure fused.zarr --reference truth.zarr --samples 256 --metrics volume-fraction,tortuosity
    """
    from mesofuse.console.progress import SampleBars
    from mesofuse.evaluation.measure import measure
    from mesofuse.evaluation.subvolumes import positions
    from mesofuse.evaluation.texture import all_with_floors, compares, images_of
    from mesofuse.pipeline.measurands import GivenSizes, content_of_all, open_all, open_scan

    paths = list(dict.fromkeys([*([reference] if reference else []), *volumes]))
    holds = content_of_all(paths, content)
    chosen = metric_choices(metrics, settings, low_res is not None, holds)
    if low_res and holds != "phases":
        raise UserError("--low-res is for phases: leave it out.")
    if samples and low_res:
        raise UserError("--samples and --low-res can't go together: the scan is compared with whole volumes only.")
    if record and not samples:
        raise UserError("--record keeps subvolumes: give --samples, how many, next to it.")
    if crop and low_res:
        raise UserError("--crop and --low-res can't go together: the scan is compared with whole volumes only.")
    masked = part_options.job_fields(ignore, (), scan=True)
    if masked.get("high_res_ignore"):
        raise UserError("--ignore high-res=… is for fusion jobs; here give the value alone, or low-res=VALUE.")
    everywhere = masked.get("ignore", [])
    of_scan = [
        *part_options.parse(masked.get("low_res_ignore", [])), *part_options.parse(everywhere, optional=True)
    ]  # fmt: skip
    sizes = GivenSizes(voxel_size, image_pixel_size, unit, stack)
    files = open_all(
        paths, phases, sizes, ignore=everywhere, crop=crop, cropped=volumes, content=content, note=options.echo_note
    )
    opened = {path: volume for path, (volume, _) in files.items()}
    of_image = None
    if reference and not samples and compares(chosen):
        depth, *plane = opened[reference].grid.shape
        separate = stack or 1 < depth < min(plane) / 2
        if separate and not stack:
            options.echo_note(f"{reference}: its {depth} planes are taken as separate images, as it is so thin.")
        of_image = images_of(opened[reference], stack=separate)
    for path in opened if metrics not in (None, "all") else ():
        if path != reference and not low_res:
            grid = opened[path].grid
            if samples:
                grid = grid.cropped(positions(grid, size=size, count=1, stack=stack)[0])
            _check_fit(path, grid, opened[path].phases, chosen, stack=stack, images=of_image, content=holds)
    with SampleBars(quiet=json_path == "-", brief=samples is None) as bars:

        def progress(path: str) -> Callable[[int, int], None]:
            return lambda done, total: bars.update(Path(path).name, done, total)

        def stages(path: str) -> Callable[[str, int, int], None]:
            return lambda what, done, total: bars.update(f"{Path(path).name}: {what}", done, total)

        if samples:
            from mesofuse.cli.measure_samples import measure_samples

            more = {"count": samples, "size": size, "seed": seed, "stack": stack, "workers": workers}
            report = measure_samples(opened, chosen, reference, progress, more, record)
        else:
            measured = {}
            for path in paths:
                scan = None
                if low_res and path in volumes and (path != reference or len(paths) == 1):
                    scan = open_scan(low_res, path, files[path], scale, shows, degradation, of_scan, options.echo_note)
                    asked = chosen if metrics not in (None, "all") else [CONSISTENCY]
                    found = opened[path]
                    _check_fit(path, found.grid, found.phases, asked, stack=stack, images=of_image, scan=scan)
                images = None if path == reference else of_image
                measured[path] = measure(
                    opened[path], chosen, stack=stack, name=path, workers=workers, progress=stages(path),
                    images=images, scan=scan,
                )  # fmt: skip
    if samples:
        from mesofuse.console.tables import print_table

        _write(report.to_json(), json_path)
        if json_path != "-":
            print_table(report)
        return
    columns = [measured[path] for path in paths]
    if of_image and reference:
        columns = all_with_floors(columns, paths.index(reference))
    _report(columns, columns[paths.index(reference)] if reference else None, json_path)


def _check_fit(path: str, grid: Grid, phases: tuple[Phase, ...], metrics: Sequence[MetricChoice], **more: Any) -> None:
    """Refuse metrics that were asked for by name and can't be measured, before anything is.

    Raises:
        UserError: If there are such.
    """
    from mesofuse.evaluation.measure import unmeasurable

    for name, why in unmeasurable(grid, phases, metrics, **more).items():
        raise UserError(f"{path}: the metric {name!r} can't be measured: {why[:1].lower()}{why[1:]} Leave it out.")


def _write(data: dict[str, Any], json_path: str | None) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    if json_path == "-":
        click.echo(text)
    elif json_path:
        from mesofuse.volumes.files import replacing

        with replacing(Path(json_path)) as temporary:
            temporary.write_text(text + "\n", "utf-8")


def _report(columns: Sequence[Measured], reference: Measured | None, json_path: str | None) -> None:
    from mesofuse.console.tables import print_table
    from mesofuse.evaluation.result_table import ResultTable

    table = ResultTable(columns, reference)
    _write(table.to_json(), json_path)
    if json_path != "-":
        print_table(table)
