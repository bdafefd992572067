"""Whether a spec that a plugin hands over is sound."""

from __future__ import annotations

import re

from mesofuse.errors import nearest
from mesofuse.interfaces.component import KINDS, ComponentSpec, FormatSpec

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def component_error(spec: object) -> str:
    """Return one sentence about what is wrong with a component's spec; empty where nothing is."""
    if not isinstance(spec, ComponentSpec):
        return f"mesofuse_components gave a {type(spec).__name__}; each must be a ComponentSpec."
    if error := _not_text(spec):
        return error
    if spec.kind not in KINDS:
        return f"{spec.kind!r} is not a kind of component.{nearest(spec.kind, KINDS)}"
    if not NAME.fullmatch(spec.name):
        return f"the {spec.kind}'s name {spec.name!r} must be lower-case letters and digits, joined by hyphens."
    if not spec.summary.strip():
        return f"the {spec.kind} {spec.name!r} has no summary."
    for what, target in (("target", spec.target), ("options", spec.options)):
        if not TARGET.fullmatch(target):
            return f"the {what} {target!r} of the {spec.kind} {spec.name!r} is not of the form package.module:Class."
    return ""


def format_error(spec: object) -> str:
    """Return one sentence about what is wrong with a format's spec; empty where nothing is."""
    if not isinstance(spec, FormatSpec):
        return f"mesofuse_formats gave a {type(spec).__name__}; each must be a FormatSpec."
    suffixes = spec.suffixes
    if not isinstance(suffixes, tuple) or not all(
        isinstance(s, str) and s[:1] == "." and s == s.lower() for s in suffixes
    ):
        return f"the suffixes {suffixes!r} of a format must be a tuple of lower-case endings with their dot."
    if error := _not_text(spec):
        return error
    if not NAME.fullmatch(spec.name):
        return f"the format's name {spec.name!r} must be lower-case letters and digits, joined by hyphens."
    if not (spec.reader or spec.writer):
        return f"the format {spec.name!r} has neither a reader nor a writer."
    for target in (spec.reader, spec.writer):
        if target and not TARGET.fullmatch(target):
            return f"{target!r} of the format {spec.name!r} is not of the form package.module:function."
    return ""


def _not_text(spec: ComponentSpec | FormatSpec) -> str:
    """Name a field that holds something else than text."""
    for name, value in vars(spec).items():
        if name != "suffixes" and not isinstance(value, str):
            return f"the {name} of a {type(spec).__name__} is {value!r}; it must be text."
    return ""
