"""A pydantic error as one plain sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from mesofuse.errors import nearest

if TYPE_CHECKING:
    from pydantic import ValidationError


def explain(error: ValidationError, subject: str, model: type[BaseModel]) -> str:
    """Return one sentence for the first mistake of ``error``.

    Args:
        error: What pydantic raised.
        subject: Whose values they are, for example ``the generator 'superres'``.
        model: The model that was validated; its fields are offered for a misspelt one.
    """
    first, *others = error.errors(include_url=False)
    # Where a field has several types, pydantic adds which of them it tried.
    path = [str(part) for part in first["loc"] if "[" not in str(part)]
    where = ".".join(path)
    more = f" ({len(others)} more like it.)" if others else ""
    if first["type"] == "extra_forbidden":
        hint = nearest(path[-1], _fields(model, path[:-1]))
        return f"{subject[:1].upper()}{subject[1:]} has no option {where!r}.{hint}{more}"
    if first["type"] == "missing":
        return f"{subject[:1].upper()}{subject[1:]} needs the option {where!r}, which is missing.{more}"
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    if not path:
        return f"The options of {subject} are not usable: {message}.{more}"
    return f"The option {where!r} of {subject} can't be {first['input']!r}: {message[:1].lower()}{message[1:]}.{more}"


def _fields(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the names of the fields of the model at ``path`` below ``model``; none where that is no model."""
    for part in path:
        field = model.model_fields.get(part)
        models = _models(field.annotation) if field else []
        if len(models) != 1:
            return []
        model = models[0]
    return list(model.model_fields)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a type such as ``Model | None`` holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models(part)]
