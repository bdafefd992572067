"""What describes a file format: names and strings, so that listing formats imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FormatSpec:
    """A file format that can be read into labels, written from them, or both.

    Attributes:
        name: Lower-case name that users may force with ``--format``.
        suffixes: File name endings it owns, with the dot, lower-case.
        summary: One sentence for listings.
        reader: ``package.module:function`` taking a path, returning a `mesofuse.volumes.raw.RawImage`; empty if
            write-only.
        writer: ``package.module:function`` taking (labels, path) where labels is a `mesofuse.volumes.labels.Labels` and
            path does not exist yet; it reads by region, so that memory stays bounded; empty if read-only.
    """

    name: str
    suffixes: tuple[str, ...]
    summary: str
    reader: str = ""
    writer: str = ""
