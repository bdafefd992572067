"""``mesofuse schema``: the JSON Schemas of components and configuration files."""

from __future__ import annotations

from pathlib import Path

import click

from mesofuse.errors import UserError, nearest


@click.command()
@click.argument("name", required=False)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write the schemas to files in this folder."
)
@click.option("--check", is_flag=True, help="Only say which files in --out (or ./schemas) are out of date.")
@click.pass_context
def command(ctx: click.Context, name: str | None, out: Path | None, check: bool) -> None:
    """Print the JSON Schema NAME, or list the names; write or check them all as files.

    \b
    Example:
      mesofuse schema generator
      mesofuse schema --out schemas
      mesofuse schema --out schemas --check
    """
    from mesofuse.config.schema import drift, schemas, text_of, write
    from mesofuse.registry import get_registry

    found = schemas(get_registry())
    if name is not None and name not in found:
        raise UserError(f"There is no schema {name!r}.{nearest(name, found)}")
    chosen = found if name is None else {name: found[name]}
    if check:
        if name is not None:
            raise UserError("The check compares all files of a folder; leave the schema's name out.")
        folder = out or Path("schemas")
        stale = drift(folder, found)
        for file in stale:
            click.echo(f"{folder / file} is out of date; renew it with `mesofuse schema --out {folder}`.", err=True)
        ctx.exit(1 if stale else 0)
    if out is not None:
        if name is not None:
            raise UserError(f"Only all schemas are written to a folder; print one with `mesofuse schema {name}`.")
        write(out, chosen)
        click.echo(f"{len(chosen)} schemas are in {out}.")
    elif name is not None:
        click.echo(text_of(found[name]), nl=False)
    else:
        click.echo("\n".join(found))
