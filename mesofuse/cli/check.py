"""`mesofuse check`: whether a stored volume is whole."""

from __future__ import annotations

import click

from mesofuse.cli import options

SHOWN = 20


@click.command()
@click.argument("volume", type=click.Path())
@click.option("--deep", is_flag=True, help="Compute coarser levels and recorded totals again, and compare.")
@options.quiet
@options.as_json
@click.pass_context
def command(ctx: click.Context, volume: str, deep: bool, quiet: bool, as_json: bool) -> None:
    """Read and decode all that VOLUME stores, and say what is damaged and what mends it. Nothing is changed.

    Units are held against the SHA-256 that was noted when they were written. The exit code is 0 for a whole volume, 1
    for a damaged or unfinished one, and 2 where there is none.

    \b
    Example:
      mesofuse check fused.zarr
    """
    from mesofuse.console.progress import ProgressPrinter
    from mesofuse.volumes.store.soundness import inspect

    with ProgressPrinter(quiet=quiet or as_json) as progress:
        found = inspect(volume, deep=deep, watch=lambda name, done, total: progress.step(f"array {name}", done, total))
    if as_json:
        options.echo_json(found.to_json())
    else:
        for damage in found.damaged[:SHOWN]:
            region = f" (region {damage.region})" if damage.region else ""
            click.echo(f"{damage.key}{region} {damage.reason}.")
        if len(found.damaged) > SHOWN:
            click.echo(f"… and {len(found.damaged) - SHOWN} more; --json lists all.")
        if found.strays:
            click.echo(f"Left by a run that was killed, harmless: {', '.join(found.strays[:SHOWN])}.")
        noted = "all" if found.noted == found.units else f"{found.noted:,}"
        read = f"{found.units:,} chunks and shards read, {noted} of them held against their SHA-256"
        if found.whole:
            click.echo(f"{volume} is whole: {read}.")
        else:
            lacks = [f"{len(found.damaged):,} damaged"] if found.damaged else []
            if not found.finished:
                lacks.append(f"unfinished, with {found.unwritten:,} still to be written")
            click.echo(f"{volume} is not whole: {', '.join(lacks)}; {read}.")
            click.echo(f"What mends it: {found.mends}")
    ctx.exit(0 if found.whole else 1)
