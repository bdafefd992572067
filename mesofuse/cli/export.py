"""`mesofuse export`: a volume, or a part of it, as a file for other programs."""

from __future__ import annotations

import click

from mesofuse.cli import options


@click.command()
@click.argument("volume", type=click.Path())
@click.argument("output", type=click.Path())
@click.option("--region", metavar="Z0:Z1,Y0:Y1,X0:X1", help="Only this part, in voxels of the level.")
@click.option("--level", type=click.IntRange(min=0), default=0, show_default=True, help="Resolution level; 0 is full.")
@click.option("--format", "format", metavar="NAME", help="Format of OUTPUT, where its ending does not tell.")
@options.overwrite
def command(volume: str, output: str, region: str | None, level: int, format: str | None, overwrite: bool) -> None:
    """Write VOLUME as OUTPUT: .tif, .npy, .h5, .nrrd, .mha, .raw, .vti, .png, .zarr, .zip, or a folder of PNGs (NAME/).

    Memory stays bounded however large the volume is, and OUTPUT appears only when it is whole. A .raw gets a header, a
    .mhd, next to it; a .png holds one plane. Grey values and colours go to .tif, .npy, .png and folders.

    \b
    Example:
      mesofuse export fused.zarr fused.tif --region 0:128,0:256,0:256
    """
    from mesofuse.errors import UserError
    from mesofuse.registry import get_registry
    from mesofuse.volumes.formats.catalogue import BUILTIN, write_labels
    from mesofuse.volumes.grid import Region
    from mesofuse.volumes.labelling import read_labels
    from mesofuse.volumes.labels import Labels
    from mesofuse.volumes.planes import Crop
    from mesofuse.volumes.store.opening import content_at, open_volume
    from mesofuse.volumes.store.volume import StoredVolume

    formats = (*BUILTIN, *get_registry().formats)
    labels: Labels
    if content_at(volume) != "phases":
        labels = open_volume(volume)
    else:
        labels, mapping = read_labels(volume, formats=formats, allow_single_phase=True)
        options.echo_remarks(mapping, volume)
    if level:
        if not isinstance(labels, StoredVolume):
            raise UserError(f"{volume} has no resolution levels; only OME-Zarr volumes do.")
        labels = labels.level(level)
    if region:
        labels = Crop(labels, Region.parse(region, labels.grid.shape))
    write_labels(labels, output, formats, format, overwrite=overwrite)
    grid = labels.grid
    click.echo(f"{output}: {' × '.join(map(str, grid.shape))} voxels.")
    if output.lower().endswith(".raw") or format == "raw":
        click.echo("Its shape, voxel size and phases are in the .mhd next to it.")
    if grid.known and (format in ("npy", "folder", "image") or output.lower().endswith((".npy", ".png", ".bmp", "/"))):
        size = ",".join(f"{v:g}" for v in grid.voxel_size)
        click.echo(f"This format holds no voxel size; to read it back: --voxel-size {size} --unit {grid.unit}.")
