"""``mesofuse plugins``: what the installed plugins supply, whether it keeps the rules, and a new one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mesofuse.cli import plugins_new
from mesofuse.cli.options import as_json, echo_json
from mesofuse.errors import UserError, nearest
from mesofuse.interfaces.component import KINDS

if TYPE_CHECKING:
    from mesofuse.interfaces.options import Options
    from mesofuse.registry import Component

kind_option = click.option("--kind", type=click.Choice(KINDS), help="Only this kind of component.")
name_argument = click.argument("name")


@click.group()
def command() -> None:
    """List, show and check what the plugins supply, and start one of your own.

    \b
    Example:
      mesofuse plugins list --kind generator
      mesofuse plugins show superres
      mesofuse plugins check superres-slim
      mesofuse plugins new fine-detail --kind generator
    """


command.add_command(plugins_new.command)


@command.command("list")
@kind_option
@as_json
def list_(kind: str | None, as_json: bool) -> None:
    """List the components and, after them, what could not be loaded.

    \b
    Example:
      mesofuse plugins list --kind metric
    """
    from mesofuse.registry import get_registry

    registry = get_registry()
    components = registry.components(kind)
    problems = [vars(problem) for problem in registry.problems]
    if as_json:
        echo_json({"components": [_record(c) for c in components], "problems": problems})
        return
    rows = [(c.spec.kind, c.spec.name, f"{c.distribution} {c.version}", c.spec.summary) for c in components]
    _table([("KIND", "NAME", "FROM", "WHAT IT IS"), *rows] if rows else [("No component is installed.",)])
    for problem in registry.problems:
        click.echo(f"\nNot loaded: {problem}")


@command.command()
@name_argument
@kind_option
@as_json
def show(name: str, kind: str | None, as_json: bool) -> None:
    """Show what a component does, its options, presets and source, with an example for a configuration.

    \b
    Example:
      mesofuse plugins show superres --kind method
    """
    found = _matching(name, kind)
    if as_json:
        echo_json([{**_record(c), "options": c.options_model().model_json_schema()} for c in found])
        return
    for i, component in enumerate(found):
        click.echo("\n" * bool(i) + _described(component))


@command.command()
@name_argument
@kind_option
@as_json
@click.pass_context
def check(ctx: click.Context, name: str, kind: str | None, as_json: bool) -> None:
    """Run the conformance kit on a component; exit code 1 if it breaks a rule.

    \b
    Example:
      mesofuse plugins check superres-slim --kind generator
    """
    from mesofuse.testing import checks_for

    records, failed = [], 0
    for component in _matching(name, kind):
        if not as_json:
            click.echo(f"{component.spec.kind} {component.spec.name} ({component.distribution} {component.version})")
        for rule in checks_for(component):
            result = rule(component)
            failed += result.status == "fail"
            records.append({"kind": component.spec.kind, "rule": rule.rule, **vars(result)})
            if not as_json:
                click.echo(f"  {result.status:<5} {rule.name:<22} {result.detail or rule.rule}")
    if as_json:
        echo_json({"name": name, "passed": not failed, "checks": records})
    else:
        click.echo(f"{failed} of {len(records)} checks failed." if failed else f"All {len(records)} checks passed.")
    ctx.exit(1 if failed else 0)


def _matching(name: str, kind: str | None) -> list[Component]:
    """Return the components of that name, of one kind or of every kind."""
    from mesofuse.registry import get_registry

    registry = get_registry()
    if kind is not None:
        return [registry.find(kind, name)]
    found = [c for c in registry.components() if c.spec.name == name]
    if not found:
        raise UserError(f"No plugin supplies {name!r}.{nearest(name, {c.spec.name for c in registry.components()})}")
    return found


def _record(component: Component) -> dict[str, Any]:
    spec = component.spec
    return {
        "kind": spec.kind,
        "name": spec.name,
        "summary": spec.summary,
        "plugin": component.plugin,
        "distribution": component.distribution,
        "version": component.version,
        "target": spec.target,
        "citation": spec.citation,
    }


def _described(component: Component) -> str:
    """Return all there is to say about a component."""
    import yaml

    spec, model, options = component.spec, component.options_model(), component.options()
    lines = [f"{spec.kind} {spec.name} ({component.distribution} {component.version})", f"  {spec.summary}"]
    if text := _docstring(component):
        lines += ["", *_indented(text)]
    lines += ["", "Options:"] if model.model_fields else ["", "No options."]
    for name, field in model.model_fields.items():
        lines += [f"  {name} ({_type(field)}, default {_short(getattr(options, name))})", f"      {field.description}"]
    if model.presets:
        lines += ["", f"Presets: {', '.join(model.presets)}"]
    example = yaml.safe_dump({spec.kind: {"name": spec.name, **_plain(options)}}, sort_keys=False, allow_unicode=True)
    lines += ["", "Example (every option is at its default and may be left out):", *_indented(example)]
    if spec.citation:
        lines += ["", "Source:", *_indented(spec.citation)]
    return "\n".join(lines)


def _plain(options: Options) -> dict[str, Any]:
    return options.model_dump(mode="json")


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.rstrip().splitlines()]


def _docstring(component: Component) -> str:
    """Return the docstring of the component's class; nothing where the class can't be imported or has none."""
    import inspect

    try:
        return inspect.cleandoc(component.load().__doc__ or "")
    except UserError:
        return ""


def _type(field: Any) -> str:
    """Return a field's type with its limits, for example ``int, >= 1``."""
    annotation = field.annotation
    name = annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
    symbols = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "multiple of"}
    limits = [f"{sign} {getattr(m, key)}" for m in field.metadata for key, sign in symbols.items() if hasattr(m, key)]
    return ", ".join([name, *limits])


def _short(value: Any) -> str:
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return "as below"
    if isinstance(value, tuple):
        return "as below" if any(isinstance(v, BaseModel) for v in value) else str(list(value))
    return "none" if value is None else str(value)


def _table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print columns as wide as they need to be."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
