"""``mesofuse plugins new``: a plugin of one's own, ready to install and to test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mesofuse.interfaces.component import KINDS

if TYPE_CHECKING:
    from mesofuse.interfaces.component import Kind


@click.command("new")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What the plugin is to supply.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where to write it; must not exist.  [default: NAME]",
)
def command(name: str, kind: Kind, out: Path | None) -> None:
    """Write an installable, tested distribution with one working component, to start from.

    \b
    Example:
      mesofuse plugins new fine-detail --kind generator
      mesofuse plugins new contact-area --kind metric --out ~/code/contact-area
    """
    from mesofuse.testing.scaffold import new_plugin

    folder = out if out is not None else Path(name)
    for path in new_plugin(name, kind, folder):
        click.echo(folder / path)
    click.echo(f"\nNext:\n  cd {folder}\n  pip install -e .\n  mesofuse plugins list\n  mesofuse plugins check {name}")
    click.echo("  pytest")
