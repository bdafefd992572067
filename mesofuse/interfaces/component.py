"""What a plugin hands to the registry: strings that describe a component, so that listing imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

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


@dataclass(frozen=True)
class FormatSpec:
    """A file format that can be read into labels, written from them, or both.

    Attributes:
        name: Lower-case name that users may force with ``--format``.
        suffixes: File name endings it owns, with the dot, lower-case.
        summary: One sentence for listings.
        reader: ``package.module:function`` taking a path, returning a `mesofuse.volumes.raw.RawImage`; empty if write-only.
        writer: ``package.module:function`` taking (labels, path), see `mesofuse.volumes.formats`; empty if read-only.
    """

    name: str
    suffixes: tuple[str, ...]
    summary: str
    reader: str = ""
    writer: str = ""
