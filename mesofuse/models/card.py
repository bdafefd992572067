"""The card of a model package: what a person wants to know before using it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mesofuse.printable import printable


def model_card(record: Mapping[str, Any]) -> str:
    """Return the card as Markdown, from the contents of model.json."""
    problem, provenance = record["problem"], record["provenance"]
    scale = " × ".join(f"{s:g}" for s in problem["scale"])
    phases = ", ".join(p["name"] for p in problem["phases"]) or f"none, but {problem['content']} values"
    lines = [
        "# A mesofuse model",
        "",
        f"Method `{record['method']}`, scale factor {scale}, phases: {cell(phases)}.",
        "",
        "```",
        "mesofuse generate THIS_FOLDER LOW_RES OUT.zarr",
        "```",
        "",
    ]
    if problem["low_phases"]:
        lines += ["| scan phase | shows |", "| --- | --- |"]
        names = [p["name"] for p in problem["phases"]]
        for phase, shown in zip(problem["low_phases"], problem["shows"], strict=True):
            lines.append(f"| {cell(phase['name'])} | {cell(', '.join(names[i] for i in shown))} |")
        lines.append("")
    lines += ["| made with | |", "| --- | --- |"]
    lines += [f"| {cell(k)} | {cell(v)} |" for k, v in provenance.items() if not isinstance(v, dict)]
    for name, source in provenance.get("inputs", {}).items():
        lines.append(f"| {cell(name)} | {cell(source)} |")
    for name, version in provenance.get("versions", {}).items():
        lines.append(f"| {cell(name)} | {cell(version)} |")
    return "\n".join(lines) + "\n"


def cell(text: object) -> str:
    """Return text fit for a cell of a Markdown table: no markup, no end of the cell or the line."""
    return re.sub(r"([\\`|<])", r"\\\1", printable(text))
