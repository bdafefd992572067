"""Reading configurations: YAML to checked fields, paths counted from the file that names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mesofuse.errors import UserError, first_line
from mesofuse.interfaces.options import Options
from mesofuse.registry.explain import explain

_Config = TypeVar("_Config", bound=Options)


def checked(model: type[_Config], data: Mapping[str, Any], source: str) -> _Config:
    """Return a checked configuration.

    Args:
        model: What it is to be.
        data: Its fields.
        source: What to call it in an error, for example the file's name.

    Raises:
        UserError: If a field is unknown, missing or has a value that is not allowed.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise UserError(explain(error, source, model)) from error


def read_yaml(path: Path, what: str, needs: str) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Args:
        path: The file.
        what: What it is to be, for messages.
        needs: The fields that it can't do without, for messages.

    Raises:
        UserError: If the file is missing, is not YAML, is more than a person writes, or is no mapping of words.
    """
    import yaml

    from mesofuse.config.yaml_text import LONGEST, load_yaml

    try:
        with open(path, encoding="utf-8") as file:
            data = load_yaml(file.read(LONGEST + 1))
    except FileNotFoundError:
        raise UserError(f"There is no configuration file {path}; `mesofuse fuse` writes one.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} can't be read as YAML: {_yaml_words(error)}.") from error
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise UserError(f"{path} is not {what}: it must be a YAML mapping with {needs}.")
    return data


def _yaml_words(error: Exception) -> str:
    """Return what is wrong with a YAML text in one line, and where."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or first_line(error)
    return str(problem) if mark is None else f"{problem} in line {mark.line + 1}"


def beside(text: str, file: Path) -> str:
    """Return a path that a file names, relative to that file's folder; URLs stay."""
    return text if "://" in text else str((file.parent / text).resolve())


def files_beside(data: dict[str, Any], path: Path, keys: Sequence[str]) -> None:
    """Let the paths in some fields of a file count from that file's folder."""
    for key in keys:
        if isinstance(data.get(key), str):
            data[key] = beside(data[key], path)
        elif isinstance(data.get(key), dict):
            data[key] = {k: beside(v, path) if isinstance(v, str) else v for k, v in data[key].items()}
