"""What a measured value is of: its parts, and the words that are made from them."""

from __future__ import annotations

import re
from typing import Any

SEPARATOR = " | "


class Of(str):
    """What a value is of, such as ``Of("pore", "binder")`` or ``Of("pore", along="z")``: text that knows its parts.

    It is the text that tables show, here ``pore | binder`` and ``pore | z``, and so it is found in a table by that
    text. What compares directions, or draws one plot per phase, reads the parts, so that phases may be called anything.

    Args:
        parts: Phases, or words such as ``spacing 1``.
        along: The direction that it is along: an axis, ``y/z`` for several, ``radial``, or a step such as ``[0 1 1]``;
            empty for what has no direction.
        normals: The axes whose planes it was measured in, such as ``zy``; empty for a whole volume.
    """

    parts: tuple[str, ...]
    along: str
    normals: str

    def __new__(cls, *parts: str, along: str = "", normals: str = "") -> Of:
        """Make the text, for example ``pore | y/z (normal to z, y)``."""
        words = SEPARATOR.join([*parts, *([along] if along else [])])
        if normals:
            words = f"{words} (normal to {', '.join(normals)})"
        self = super().__new__(cls, words)
        self.parts, self.along, self.normals = parts, along, normals
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle it with its parts."""
        return _of, (self.parts, self.along, self.normals)

    @property
    def what(self) -> str:
        """The parts alone, as text."""
        return SEPARATOR.join(self.parts)

    @property
    def plain(self) -> bool:
        """Whether its words alone tell its parts, as they do unless a phase is called like a direction."""
        again = Of.read(str(self))
        return (again.parts, again.along, again.normals) == (self.parts, self.along, self.normals)

    def to(self, *, along: str | None = None, normals: str | None = None) -> Of:
        """Return the same along another direction, or in planes normal to other axes."""
        direction, planes = self.along if along is None else along, self.normals if normals is None else normals
        return Of(*self.parts, along=direction, normals=planes)

    @classmethod
    def read(cls, text: str, phases: tuple[str, ...] = ()) -> Of:
        """Return what a plain text says, by the words that an `Of` makes; an `Of` is returned as it is.

        Args:
            text: The text, of a metric that gives no more, or of a record of an earlier version.
            phases: Names of the phases; a last word that is one of them is no direction.
        """
        if isinstance(text, Of):
            return text
        found = re.fullmatch(r"(.*) \(normal to ([zyx](?:, [zyx])*)\)", text, re.DOTALL)
        words, normals = (found[1], found[2].replace(", ", "")) if found else (text, "")
        *parts, last = words.split(SEPARATOR)
        directed = parts and last not in phases and re.fullmatch(r"[zyx](/[zyx])*|radial|\[.*\]", last)
        return cls(*parts, along=last, normals=normals) if directed else cls(*parts, last, normals=normals)


def _of(parts: tuple[str, ...], along: str, normals: str) -> Of:
    return Of(*parts, along=along, normals=normals)
