"""The base of every options model: unknown fields are errors, values are checked, schemas are published."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Options of one component. Subclass it, give every field a default, a type and a description.

    Attributes:
        presets: Named starting points, as overrides of the defaults; ``--preset`` picks one. A preset may have
            ``contents`` of its own, in place of those below.
        default_preset: The one that a job starts from where it names none and leaves out any field of ``recipe``;
            None: the plain defaults, which also stand for what a package or configuration of an earlier version lacks.
        recipe: The fields that a whole recipe states.
        contents: What the component works on, of ``phases``, ``grey`` and ``colour`` (see
            `mesofuse.interfaces.problem.Content`), each with the overrides that it needs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    default_preset: ClassVar[str | None] = None
    recipe: ClassVar[frozenset[str]] = frozenset()
    contents: ClassVar[dict[str, dict[str, Any]]] = {"phases": {}}

    @classmethod
    def starting_point(cls, preset: str | None, content: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return a preset's overrides of the defaults, and what the content needs, which goes over them."""
        start = dict(cls.presets[preset]) if preset else {}
        return start, start.pop("contents", {}).get(content, cls.contents[content])
