"""`mesofuse info`: what a volume or an image file is."""

from __future__ import annotations

from typing import Any

import click

from mesofuse.cli import options
from mesofuse.printable import printable


@click.command()
@click.argument("paths", type=click.Path(), nargs=-1, required=True, metavar="PATH...")
@click.option("--format", "format", metavar="NAME", help="Format of the files, where their ending does not tell.")
@options.as_json
def command(paths: tuple[str, ...], format: str | None, as_json: bool) -> None:
    """Show shape, voxel size, phases with their fractions, storage and origin of any volume or image.

    \b
    Example:
      mesofuse info fused.zarr scan.tif
    """
    from mesofuse.registry import get_registry
    from mesofuse.volumes.formats.catalogue import BUILTIN
    from mesofuse.volumes.summary import summarise

    formats = (*BUILTIN, *get_registry().formats)
    if as_json:
        found = [summarise(path, formats, format) for path in paths]
        options.echo_json(found[0] if len(found) == 1 else found)
        return
    for i, path in enumerate(paths):
        if i:
            click.echo()
        show(summarise(path, formats, format))


def show(about: dict[str, Any]) -> None:
    """Print one summary as a list of facts."""
    from rich.table import Table
    from rich.text import Text

    from mesofuse.console import terminal

    console = terminal.console()
    console.soft_wrap = True
    console.print(Text(about["path"], style="bold"), Text(f"({about['kind']})"))
    table = Table.grid(padding=(0, 2))
    for name, text in _facts(about):
        table.add_row(Text(name, style="dim"), Text(text))
    console.print(table)
    for phase in about.get("phases", []):
        line = Text.assemble(("  ■ ", phase["color"]), f"{phase['value']} {phase['name']}")
        line.append(f"  {100 * phase['fraction']:.2f} %")
        console.print(line)
    for note in about.get("notes", []):
        console.print(Text(f"Note: {note}", style="yellow"))
    if about.get("problem"):
        console.print(Text(f"Not usable as labels: {about['problem']}", style="yellow"))


def _facts(about: dict[str, Any]) -> list[tuple[str, str]]:
    from mesofuse.volumes.grid import SYMBOLS

    facts = [("shape", " × ".join(map(str, about["shape"])) + " (z, y, x)" * (len(about["shape"]) == 3))]
    if about.get("voxel_size"):
        symbol = SYMBOLS[about["unit"]]
        facts.append(("voxel size", f"{' × '.join(f'{v:g}' for v in about['voxel_size'])} {symbol}"))
        facts.append(("extent", f"{' × '.join(f'{v:g}' for v in about['extent'])} {symbol}"))
    elif "phases" in about or "content" in about:
        facts.append(("voxel size", "unknown"))
    if about.get("content"):
        facts.append(("content", f"{about['content']} values, 0 to 255"))
    for channel in about.get("intensities", []):
        facts.append((channel["channel"], f"mean {channel['mean']:.4g}, standard deviation {channel['deviation']:.4g}"))
    if about.get("type"):
        facts.append(("type", about["type"]))
    if about.get("range"):
        facts.append(("values", f"{about['range'][0]:g} to {about['range'][1]:g}"))
    if about.get("mapped"):
        facts.append(("mapped when read", about["mapped"]))
    if about.get("stored_axes"):
        facts.append(("stored as", ", ".join(about["stored_axes"])))
    if about.get("chunks"):
        facts.append(("chunks", " × ".join(map(str, about["chunks"]))))
        if about["shards"]:
            facts.append(("shards", " × ".join(map(str, about["shards"]))))
        facts.append(("levels", ", ".join("×".join(map(str, shape)) for shape in about["levels"])))
    size = _bytes(about["bytes"])
    facts.append(
        ("size on disk", f"{size} (compressed {about['compression']:g} times)" if "compression" in about else size)
    )
    if about.get("written", 1) < 1:
        facts.append(("unfinished", f"{100 * about['written']:.1f} % is written; fractions are of that part"))
    facts += _provenance(about.get("provenance", {}))
    return facts


def _provenance(provenance: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Give the plain values of the provenance; versions in one line."""
    facts = []
    for key, value in provenance.items():
        name = printable(f"{prefix}{key}".replace("_", " "))
        if isinstance(value, dict) and value and all(isinstance(v, (str, int, float)) for v in value.values()):
            facts.append((name, printable(", ".join(f"{k} {v}" for k, v in value.items())[:200])))
        elif isinstance(value, (str, int, float, bool)):
            facts.append((name, printable(str(value)[:200])))
    return facts


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
