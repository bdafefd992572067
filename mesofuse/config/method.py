"""A method's options: defaults, preset and settings laid over each other, and the parts that they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mesofuse.errors import UserError, nearest
from mesofuse.interfaces.component import KINDS
from mesofuse.interfaces.options import Options
from mesofuse.interfaces.problem import Content
from mesofuse.registry import get_registry
from mesofuse.registry.component import Component

DEFAULT_METHOD = "superres"


def parse_method(text: str) -> dict[str, Any]:
    """Return ``{"name": "superres", "preset": "slim"}`` for ``superres:slim``; the preset may be left out."""
    name, _, preset = text.partition(":")
    return {"name": name, **({"preset": preset} if preset else {})}


def resolve_method(
    name: str, preset: str | None, overrides: Mapping[str, Any], content: Content = "phases"
) -> tuple[Component, Options]:
    """Return a method and its options: the defaults, the preset over them, the overrides over both.

    Without a preset it is the method's own default one, unless the overrides are a whole recipe. What the method, or
    the preset itself, needs for grey values or colours lies between preset and overrides.

    Raises:
        UserError: If a method, preset or option is unknown, or the method does not take the content.
    """
    component = _taking(content, get_registry().find("method", name))
    model = component.options_model()
    presets = model.presets
    if preset is None and not (model.recipe and model.recipe <= overrides.keys()):
        preset = model.default_preset
    if preset is not None and preset not in presets:
        raise UserError(f"The method {name!r} has no preset {preset!r}.{nearest(preset, presets)}")
    fields = model.model_fields.items()
    defaults = {key: f.get_default(call_default_factory=True) for key, f in fields if not f.is_required()}
    plain = model.model_construct(**defaults).model_dump(mode="json", include=set(defaults))
    start, own = model.starting_point(preset, content)
    chosen = merged(merged(plain, start), own)
    return component, component.options(merged(chosen, overrides))


def _taking(content: Content, component: Component) -> Component:
    """Return a component if it takes such voxels.

    Raises:
        UserError: If it does not.
    """
    if content not in component.options_model().contents:
        kind = component.spec.kind
        able = [c.spec.name for c in get_registry().components(kind) if content in c.options_model().contents]
        own = " or ".join(sorted(component.options_model().contents, reverse=True))
        wanted = "phases" if content == "phases" else f"{content} values (--content {content})"
        raise UserError(
            f"The {component} works on {own}, not on {wanted}: choose another {kind} "
            f"({', '.join(able) or 'there is none'}), or images of that kind."
        )
    return component


def with_parts(options: dict[str, Any], content: Content) -> dict[str, Any]:
    """Write out the options of the components that a recipe names, in fields called as their kind."""
    kinds: dict[str, str] = {kind: kind for kind in KINDS} | {"losses": "loss"}

    def whole(kind: str, part: Any) -> Any:
        if not isinstance(part, Mapping) or "name" not in part:
            return part
        rest = {k: v for k, v in part.items() if k != "name"}
        component = _taking(content, get_registry().find(kind, part["name"]))
        return {"name": part["name"], **component.options(rest).model_dump(mode="json")}

    found = dict(options)
    for key in kinds.keys() & options.keys():
        value = options[key]
        found[key] = [whole(kinds[key], v) for v in value] if isinstance(value, list) else whole(kinds[key], value)
    return found


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``over`` laid over it, mapping by mapping; another component replaces the whole."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            other = "name" in value and "name" in old and value["name"] != old["name"]
            result[key] = value if other else merged(old, value)
        else:
            result[key] = value
    return result
