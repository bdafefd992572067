"""What Python is told: notes as warnings, and refusals that name arguments where the command line names options."""

from __future__ import annotations

import functools
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

from mesofuse.api.temporary import named
from mesofuse.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])
ARGUMENTS = {"low-res": "scan", "high-res": "image", "set": "options", "image-pixel-size": "pixel_size"}
"""Options of the command line whose argument in Python has another name; others differ by their hyphens alone."""


class Note(UserWarning):
    """Something that the user should know of what was read or decided."""


def note(text: str) -> None:
    """Warn of what the user should know, at the line of theirs that led to it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("mesofuse."):
        frame, level = frame.f_back, level + 1
    warnings.warn(in_words(text.removeprefix("Warning: ")), Note, stacklevel=level)


def in_words(text: str) -> str:
    """Return a sentence of the command line with arguments in place of its options, and arrays in place of their files.

    >>> in_words("give --low-res and --voxel-size, for example --phases pore,active --shows 0=pore,binder.")
    "give scan and voxel_size, for example phases=['pore', 'active'] shows={0: ['pore', 'binder']}."
    """
    text = re.sub(r"--phases ([\w,-]+\w)", lambda found: f"phases={found[1].split(',')}", text)
    text = re.sub(r"--shows \d+=[\w,]+(?: (?:and )?--shows \d+=[\w,]+)*", _rules, text)
    text = re.sub(r"--([a-z][a-z-]*[a-z])", lambda found: ARGUMENTS.get(found[1], found[1].replace("-", "_")), text)
    return named(text)


def _rules(found: re.Match[str]) -> str:
    rules = re.findall(r"(\d+)=([\w,]+)", found[0])
    return f"shows={ {int(phase): names.split(',') for phase, names in rules} }"


def in_python(function: F) -> F:
    """Let a function's refusals name its arguments rather than the command line's options."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except UserError as error:
            text = in_words(str(error))
            if text == str(error):
                raise
            raise type(error)(text, *error.args[1:]) from error.__cause__

    return cast(F, wrapped)
