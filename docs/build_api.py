"""Write docs/api.md, the reference of the Python front door, from its docstrings.

    python docs/build_api.py

A test compares the page with what this makes.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import mesofuse as mf

PAGE = Path(__file__).with_name("api.md")
GROUPS = {
    "Open": ("volume", "image", "Volume", "Pair", "Checks"),
    "Fit and make": ("fit", "fuse", "load_model", "Model", "Fused"),
    "Measure and compare": ("measure", "compare", "consistency", "degrade", "report", "ResultTable", "Comparison"),
    "Draw": ("plot",),
    "Sample data": ("data",),
    "What is reported": ("Note", "UserError"),
}
HEAD = """# Python

Everything is in `import mesofuse as mf`; [examples/front_door.ipynb](../examples/front_door.ipynb) shows it at work.
What the command line does is done by the same functions, so that both give the same bytes. Notes are warnings of the
category `mf.Note`; a mistake is an `mf.UserError` that says what to do. This page is made from the docstrings by
`python docs/build_api.py`.
"""
SECTIONS = ("Args", "Returns", "Raises", "Attributes")


def reference() -> str:
    """Return the page."""
    parts = [HEAD]
    for group, names in GROUPS.items():
        parts.append(f"## {group}\n")
        for name in names:
            parts += _described(f"mf.{name}", getattr(mf, name), level=3)
    return "\n".join(parts).rstrip() + "\n"


def _described(name: str, thing: Any, level: int) -> list[str]:
    if isinstance(thing, ModuleType):
        own = [(k, v) for k, v in vars(thing).items() if _public(k, v) and v.__module__ == thing.__name__]
        return [line for key, value in own for line in _described(f"{name}.{key}", value, level)]
    signature = "" if inspect.isclass(thing) and not _constructed(thing) else _signature(thing)
    lines = [f"{'#' * level} `{name}{signature}`\n", _markdown(inspect.getdoc(thing) or "")]
    if inspect.isclass(thing) and not issubclass(thing, BaseException):
        for key, value in vars(thing).items():
            if isinstance(value, property) and not key.startswith("_"):
                lines.append(f"- `{key}`: {_markdown(inspect.getdoc(value) or '').splitlines()[0]}")
        lines += [""]
        for key, value in vars(thing).items():
            if inspect.isfunction(value) and not key.startswith("_"):
                lines += _described(f"{name.rpartition('.')[2]}.{key}", value, level + 1)
    return lines


def _public(name: str, value: Any) -> bool:
    return not name.startswith("_") and (inspect.isfunction(value) or inspect.isclass(value))


def _constructed(thing: type) -> bool:
    """Return whether users call the class themselves."""
    return thing in (mf.Pair, mf.ResultTable)


def _signature(thing: Any) -> str:
    """Return names and defaults of the arguments."""
    found = inspect.signature(thing)
    bare = [p.replace(annotation=p.empty) for p in found.parameters.values() if p.name != "self"]
    return str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def _markdown(doc: str) -> str:
    """Return a docstring's text with its sections as lists and its examples as code."""
    doc = re.sub(r"((?:^>>> .*\n?(?:^(?!>>>)\S.*\n?|^ +\S.*\n?)*)+)", r"```pycon\n\1\n```\n", doc, flags=re.MULTILINE)
    lines, section = [], ""
    for line in doc.splitlines():
        if line.rstrip(":") in SECTIONS and line.endswith(":"):
            section = line.rstrip(":")
            lines.append(f"**{section}**\n")
        elif section and (found := re.match(r"^    (\w+): (.*)", line)):
            lines.append(f"- `{found[1]}`: {found[2]}")
        elif section and line.startswith("    "):
            lines.append(f"  {line.strip()}" if line.startswith("        ") else line.strip())
        else:
            section = section if not line else ""
            lines.append(line)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"(?<!`)``(?!`)", "`", "\n".join(lines))) + "\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    sys.exit(0)
