"""`mesofuse render`: slices of a result, its scan and its image as one figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mesofuse.cli import job_options, options, part_options

if TYPE_CHECKING:
    from mesofuse.volumes.labels import Labels
    from mesofuse.volumes.mask import Ignore
    from mesofuse.volumes.same_phases import Opened


def _by_axis(files: dict[str, str], read: Callable[[str], Labels]) -> tuple[Labels, Labels, Labels]:
    """Return the images of planes normal to z, y and x; the same object for those of one file."""
    opened = {axis: image for axes, path in files.items() for image in [read(path)] for axis in axes}
    return opened["z"], opened["y"], opened["x"]


@click.command("render")
@click.argument("result", type=click.Path())
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--low-res", type=click.Path(), metavar="FILE", help="The scan that the result was made from.")
@click.option(
    "--image", "images", multiple=True, metavar="[AXES=]FILE",
    help="The sharp image; one for each direction as --image zy=rods.tif --image x=speckles.tif.",
)  # fmt: skip
@click.option("--phases", metavar="NAME,...", help="Names of the result's phases by label, for files that have none.")
@click.option(
    "--axis", type=click.IntRange(0, 2), default=0, show_default=True, help="Slices are normal to it (z, y, x)."
)
@click.option("--index", type=int, metavar="N", help="Slice of the result along --axis; the middle one if left out.")
@part_options.ignore
@options.overwrite
def command(
    result: str,
    out: Path,
    low_res: str | None,
    images: tuple[str, ...],
    phases: str | None,
    axis: int,
    index: int | None,
    ignore: tuple[str, ...],
    overwrite: bool,
) -> None:
    """Draw slices of RESULT (any volume or stack) next to its scan and the sharp image, to OUT.

    OUT ends in .png, .pdf or .svg. All upper panels show the same physical field of view.

    \b
    Example:
      mesofuse render fused.zarr figure.png --low-res scan.tif --image sem.tif
    """
    from mesofuse.errors import UserError
    from mesofuse.figures.montage import montage
    from mesofuse.registry import get_registry
    from mesofuse.volumes.content import in_words
    from mesofuse.volumes.files import check_free
    from mesofuse.volumes.formats.catalogue import BUILTIN
    from mesofuse.volumes.intensities import open_intensities
    from mesofuse.volumes.labelling import read_labels
    from mesofuse.volumes.mask import check_found
    from mesofuse.volumes.same_phases import open_alike
    from mesofuse.volumes.store.opening import content_at

    formats = (*BUILTIN, *get_registry().formats)

    ignored = part_options.parse(ignore, optional=True)
    found_in: dict[str, Sequence[Ignore]] = {}
    holds = content_at(result)
    if holds != "phases" and (low_res or phases):
        raise UserError(f"{result} holds {in_words(holds)}, which have no phases: leave out --low-res and --phases.")

    def intensities(path: str) -> Labels:
        return open_intensities(path, holds, formats=formats)[0]

    def labels(path: str, names: Sequence[str] = ()) -> Opened:
        found = read_labels(path, formats=formats, phase_names=names, allow_single_phase=True, ignore=ignored)
        found_in[path] = found[1].ignored
        return found

    check_free(out, overwrite)
    given = job_options.parse_images(images, "--image") if images else {}
    files = {"zyx": given} if isinstance(given, str) else given
    read: Callable[[str], Labels] = intensities
    if holds == "phases":
        names = [name.strip() for name in phases.split(",")] if phases else []
        alike = open_alike(list(dict.fromkeys([result, *files.values()])), labels, names)
        for path, (_, found) in alike.items():
            options.echo_remarks(found, path)
        read = {path: volume for path, (volume, _) in alike.items()}.__getitem__
    scan: Labels | None = None
    if low_res:
        scan, mapping = labels(low_res)
        options.echo_remarks(mapping, low_res)
    check_found(ignored, found_in)
    montage(
        out,
        low_res=scan,
        result=read(result),
        image=_by_axis(files, read) if files else None,
        axis=axis,
        index=index,
    )
    click.echo(f"Drawn: {out}", err=True)
