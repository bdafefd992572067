"""What a plugin hands to the registry: strings that describe a component, so that listing imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from mesofuse.volumes.formats.spec import FormatSpec

__all__ = ["API_VERSION", "KINDS", "ComponentSpec", "FormatSpec", "Kind"]

API_VERSION = 1
"""The plugin interface of this release. A plugin module states the one it was written for as ``MESOFUSE_API``."""

Kind = Literal["generator", "critic", "loss", "degradation", "metric", "method"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class ComponentSpec:
    """A component that a plugin supplies, described without importing it.

    Attributes:
        kind: One of `KINDS`.
        name: Lower-case name that users type, unique within its kind.
        summary: One sentence for listings.
        target: ``package.module:Class``, imported when the component is first used.
        options: ``package.module:Model``, a pydantic model (subclass of `mesofuse.interfaces.options.Options`).
        citation: BibTeX entry of the source, for reports; empty where there is none.
    """

    kind: Kind
    name: str
    summary: str
    target: str
    options: str
    citation: str = ""
