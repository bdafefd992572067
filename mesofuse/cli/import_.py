"""`mesofuse import`: any image or stack becomes a labelled OME-Zarr volume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mesofuse.cli import options, part_options
from mesofuse.volumes.grid import Scale, Triple


def names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Split ``pore,active,binder``."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else ()


def shape_of(ctx: click.Context, param: click.Parameter, value: str | None) -> Triple | None:
    """Return voxels along z, y and x."""
    from mesofuse.errors import UserError
    from mesofuse.volumes.grid import parse_size

    if value is None:
        return None
    if value.count(",") != 2:
        raise UserError(
            f"The shape {value!r} is not usable: give the voxels along z, y and x, for example 100,200,300."
        )
    return parse_size(value)


@click.command()
@click.argument("input", type=click.Path())
@click.argument("output", type=click.Path())
@options.voxel_size
@options.unit
@click.option("--phases", callback=names, metavar="A,B,…", help="Names of the phases, in order of their values.")
@click.option("--chunks", type=click.IntRange(min=1), default=64, show_default=True, help="Edge of a chunk in voxels.")
@click.option(
    "--shards", type=click.IntRange(min=1), help="Edge of a file that bundles chunks, a multiple of --chunks."
)
@click.option("--levels/--no-levels", default=True, show_default=True, help="Coarser levels, for quick viewing.")
@click.option("--format", "format", metavar="NAME", help="Format of INPUT, where its ending does not tell.")
@click.option(
    "--shape",
    callback=shape_of,
    metavar="Z,Y,X",
    help="Voxels of a headerless INPUT (.raw …), x being the fastest axis.",
)
@click.option("--dtype", metavar="TYPE", help="Type of a headerless INPUT's values: uint8, uint16, >uint16 …")
@click.option("--header-bytes", type=click.IntRange(min=0), help="Bytes of a headerless INPUT before its first voxel.")
@part_options.ignore
@part_options.crop
@options.overwrite
def command(
    input: str,
    output: str,
    voxel_size: Scale | None,
    unit: str | None,
    phases: tuple[str, ...],
    chunks: int,
    shards: int | None,
    levels: bool,
    format: str | None,
    shape: Triple | None,
    dtype: str | None,
    header_bytes: int | None,
    ignore: tuple[str, ...],
    crop: str | None,
    overwrite: bool,
) -> None:
    """Turn INPUT (TIFF, PNG, npy, HDF5, a folder of images …) into the OME-Zarr volume OUTPUT.

    Voxel sizes are read where the file has them. Values that are not 0, 1, 2, … are mapped in order, and it says so.
    Of a file that holds several arrays one is named: scan.h5:/labels, scan.npz:labels, scan.mat:labels.

    \b
    Examples:
      mesofuse import scan.tif scan.zarr --voxel-size 0.4 --unit um --phases pore,active
      mesofuse import scan.raw scan.zarr --shape 100,200,300 --dtype uint8
    """
    from mesofuse.errors import UserError
    from mesofuse.registry import get_registry
    from mesofuse.volumes.formats.catalogue import BUILTIN, check_headerless, read_raw
    from mesofuse.volumes.formats.raw import read_headerless
    from mesofuse.volumes.labelling import to_labels

    _check_output(output, overwrite)
    ignored = part_options.parse(ignore)
    formats = (*BUILTIN, *get_registry().formats)
    if shape is None:
        if dtype is not None or header_bytes is not None:
            raise UserError("--dtype and --header-bytes are for headerless files, which need --shape z,y,x too.")
        raw = read_raw(input, formats, format)
    else:
        check_headerless(input, formats, format)
        raw = read_headerless(input, shape, dtype, header_bytes or 0)
    try:
        labels, mapping = to_labels(
            raw, voxel_size=voxel_size, unit=unit, phase_names=phases, ignore=ignored, crop=crop
        )  # fmt: skip
    except UserError as error:
        raise UserError(" ".join([str(error), *(f"Note: {note}." for note in raw.notes)])) from error
    provenance = {"made_by": "mesofuse import", **_source(input), "mapping": str(mapping)}
    _write(labels, output, chunks, shards, levels, overwrite, provenance)
    grid = labels.grid
    click.echo(f"{output}: {' × '.join(map(str, grid.shape))} voxels, {_voxel(grid)}.")
    click.echo(f"Phases: {', '.join(f'{p.value} {p.name}' for p in labels.phases)}.")
    if mapping.changed:
        click.echo(f"Values mapped: {mapping}.")
    for note in mapping.notes:
        click.echo(f"Note: {note}.")
    if not grid.known:
        click.echo("The voxel size is unknown: lengths will be in voxels (--voxel-size sets it).")


def _voxel(grid: Any) -> str:
    return f"each {' × '.join(f'{v:g}' for v in grid.voxel_size)} {grid.symbol}" if grid.known else "size unknown"


def _check_output(output: str, overwrite: bool) -> None:
    """Refuse before the input is read what would be refused after."""
    from mesofuse.errors import UserError
    from mesofuse.volumes.files import check_free
    from mesofuse.volumes.store import backends

    if backends.is_url(output):
        if backends.occupied(output) and not overwrite:
            raise UserError(f"{output} exists already; choose another name or add --overwrite to replace it.")
        return
    if not output.rstrip("/").lower().endswith((".zarr", ".zip")):
        raise UserError(f"{output} should end with .zarr (a folder) or .zip; for other formats use `mesofuse export`.")
    check_free(Path(output), overwrite)
    backends.check_replaceable(output)


def _source(input: str) -> dict[str, str]:
    """Return name and SHA-256 of the file that was imported."""
    import hashlib

    import mesofuse
    from mesofuse.volumes.formats.inner_path import split

    source = {"version": mesofuse.__version__, "source": Path(input).name}
    if Path(path := split(input)[0]).is_file():
        source["source"] = Path(path).name + input[len(path) :]
        with open(path, "rb") as file:
            source["source_sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    return source


def _write(
    labels: Any, output: str, chunks: int, shards: int | None, levels: bool, overwrite: bool, provenance: dict[str, Any]
) -> None:
    """Write the volume under a temporary name, then give it its own."""
    from mesofuse.volumes.files import remove, replacing
    from mesofuse.volumes.formats import zarr as format_zarr
    from mesofuse.volumes.store import backends

    if backends.is_url(output):
        if overwrite:
            backends.clear_for_overwrite(output)
        volume = format_zarr.copy(labels, output, chunks, shards, provenance)
        if levels:
            volume.build_levels()
        return

    def busy() -> None:
        click.echo(f"Another run is writing {output}; waiting for it to end.", err=True)

    with replacing(Path(output.rstrip("/")), overwrite=overwrite, busy=busy) as temporary:
        zipped = output.lower().endswith(".zip")
        folder = f"{temporary}.zarr" if zipped else str(temporary)
        try:
            volume = format_zarr.copy(labels, folder, chunks, shards, provenance)
            if levels:
                volume.build_levels()
            if zipped:
                format_zarr.pack(folder, str(temporary))
        finally:
            if zipped:
                remove(Path(folder))
