"""JSON Schemas (draft 2020-12) of the options of every registered component, and of the configuration files.

Each kind is one document: a union, discriminated by ``name``, of what ``{name: …, option: …}`` may hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mesofuse.interfaces.component import KINDS
from mesofuse.registry import Component, Registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _job() -> dict[str, Any]:
    from mesofuse.config.job import JobConfig

    return JobConfig.model_json_schema()


def _comparison() -> dict[str, Any]:
    from mesofuse.config.comparison import ComparisonConfig

    return ComparisonConfig.model_json_schema()


# Documents next to those of the kinds: name, and what makes the schema.
DOCUMENTS: tuple[tuple[str, Callable[[], dict[str, Any]]], ...] = (("comparison", _comparison), ("job", _job))


def schemas(registry: Registry) -> dict[str, dict[str, Any]]:
    """Return every schema by name: one per kind, and those of `DOCUMENTS`."""
    found: dict[str, dict[str, Any]] = {kind: kind_schema(kind, registry.components(kind)) for kind in KINDS}
    return {**found, **{name: {"$schema": DIALECT, **make()} for name, make in DOCUMENTS}}


def kind_schema(kind: str, components: list[Component]) -> dict[str, Any]:
    """Return the union of the options of all components of a kind, discriminated by ``name``."""
    definitions: dict[str, Any] = {}
    branches, mapping = [], {}
    for component in components:
        schema = _prefixed(component.options_model().model_json_schema(mode="validation"), component.spec.name)
        definitions.update(schema.pop("$defs", {}))
        name = component.spec.name
        definitions[name] = {
            **schema,
            "title": name,
            "description": component.spec.summary,
            "properties": {"name": {"const": name, "type": "string"}, **schema.get("properties", {})},
            "required": ["name", *schema.get("required", [])],
        }
        mapping[name] = f"#/$defs/{name}"
        branches.append({"$ref": mapping[name]})
    union = {"oneOf": branches, "discriminator": {"propertyName": "name", "mapping": mapping}}
    return {
        "$schema": DIALECT,
        "title": kind,
        "description": f"A {kind}: its name, and options of that {kind}.",
        # A union of nothing allows nothing, which `oneOf: []` may not say.
        **(union if branches else {"not": {}}),
        "$defs": dict(sorted(definitions.items())),
    }


def _prefixed(schema: Any, prefix: str) -> Any:
    """Return the schema with its own definitions renamed, so that two components' definitions can't collide."""
    text = json.dumps(schema).replace('"#/$defs/', f'"#/$defs/{prefix}.')
    renamed = json.loads(text)
    if "$defs" in renamed:
        renamed["$defs"] = {f"{prefix}.{name}": value for name, value in renamed["$defs"].items()}
    return renamed


def text_of(schema: dict[str, Any]) -> str:
    """Return a schema as it is written to a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path, found: dict[str, dict[str, Any]]) -> None:
    """Write every schema as ``NAME.schema.json`` and remove those that there are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in set(folder.glob("*.schema.json")) - {folder / f"{name}.schema.json" for name in found}:
        stale.unlink()
    for name, schema in found.items():
        temporary = folder / f".{name}.schema.json.tmp"
        temporary.write_text(text_of(schema), encoding="utf-8")
        temporary.replace(folder / f"{name}.schema.json")


def drift(folder: Path, found: dict[str, dict[str, Any]]) -> list[str]:
    """Return the names of the files that are missing, out of date or left over."""
    wanted = {f"{name}.schema.json": text_of(schema) for name, schema in found.items()}
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.schema.json")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
