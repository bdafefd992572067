"""The report as one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mesofuse.printable import printable
from mesofuse.reporting.viewer import Shown, data_uri, viewer_data

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


@dataclass(frozen=True)
class Plate:
    """A figure.

    Attributes:
        name: Short name, also of its file.
        title: What it shows, a phrase.
        caption: Conventions and units, plain text.
        figure: The drawing.
    """

    name: str
    title: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        title: What it holds.
        header: Its columns.
        rows: Cells as they are shown; a row of one cell is the heading of those below it.
        numbers: Whether all columns but the first are numbers, set to the right.
        caption: Conventions and units.
        notes: Footnotes, each beginning with its marker.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: bool = True
    caption: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Content:
    """All that a report shows.

    Attributes:
        title: Its headline.
        lead: A sentence below it.
        shown: Volumes of the slice viewer.
        sheets: Tables of results.
        plates: Figures.
        solids: For each volume its name, a PNG and how it was drawn.
        checks: Preflight's checks as their JSON: name, status, sentence.
        provenance: Names and values.
        citations: What for, and the BibTeX entry.
        notes: What was left out, and why.
    """

    title: str
    lead: str
    shown: tuple[Shown, ...]
    sheets: tuple[Sheet, ...] = ()
    plates: tuple[Plate, ...] = ()
    solids: tuple[tuple[str, bytes, str], ...] = ()
    checks: tuple[dict[str, Any], ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()
    citations: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = field(default=())


def escape(text: object) -> str:
    """Return text fit for an element or a quoted attribute: no markup, no control characters."""
    return html.escape(printable(text))


def script_json(data: Any) -> str:
    r"""Return JSON fit for a script element: no ``<``, as ``</script>`` ends it and ``<!--<script>`` never does.

    It stands as ``\u003c``, which JSON reads as the same character.
    """
    return json.dumps(data, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")


def page(content: Content) -> str:
    """Return the report as HTML."""
    sections = [("slices", "Slices", _viewer(content))]
    if content.sheets:
        sections.append(("values", "Values", "".join(_sheet(s) for s in content.sheets)))
    number = 2
    body = ""
    for plate in content.plates:
        body += _plate(plate, number)
        number += 1
    if body:
        sections.append(("figures", "Figures", body))
    if content.solids:
        sections.append(("solid", "In three dimensions", _solids(content.solids, number)))
    if content.checks:
        sections.append(("checks", "Do image and scan fit each other?", "".join(_check(c) for c in content.checks)))
    if content.notes:
        notes = "".join(f"<li>{escape(note)}</li>" for note in content.notes)
        sections.append(("notes", "Notes", f"<ul>{notes}</ul>"))
    if content.provenance:
        rows = "".join(
            f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(value)}</code></td></tr>'
            for name, value in content.provenance
        )
        sections.append(("provenance", "Provenance", f'<div class="scroll"><table><tbody>{rows}</tbody></table></div>'))
    if content.citations:
        text = "".join(f"<p>{escape(what)}</p><pre>{escape(entry)}</pre>" for what, entry in content.citations)
        sections.append(("citations", "Please cite", text))
    links = "".join(f'<a href="#{key}">{escape(title)}</a>' for key, title, _ in sections)
    parts = "".join(f'<section id="{key}"><h2>{escape(title)}</h2>{inner}</section>' for key, title, inner in sections)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(content.title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><link rel="icon" href="data:,">'
        f"<style>{_asset('report.css')}</style></head><body><header><h1>{escape(content.title)}</h1>"
        f'<p class="lead">{escape(content.lead)}</p><nav aria-label="Sections">{links}</nav></header>'
        f"<main>{parts}</main><script>{_asset('report.js')}</script></body></html>\n"
    )


def _asset(name: str) -> str:
    return files("mesofuse.reporting").joinpath(name).read_text("utf-8")


def _viewer(content: Content) -> str:
    data = viewer_data(content.shown)
    axis, first = next(iter(data.items()))
    middle = len(first["slices"]) // 2
    axes = "".join(
        f'<label><input type="radio" name="axis" value="{a}"{" checked" if a == axis else ""}> {a}</label> '
        for a in data
    )
    panels = ""
    for panel in first["panels"]:
        left, top, width, height = panel["place"]
        panels += (
            f'<div class="panel"><h3>{escape(panel["name"])}<small>{escape(panel["note"])}</small></h3>'
            f'<div class="field" style="aspect-ratio:{first["aspect"]}">'
            f'<img alt="{escape(panel["name"])}" src="{panel["images"][panel["frames"][middle]]}" '
            f'style="left:{left}%;top:{top}%;width:{width}%;height:{height}%"><div class="plate">'
            f'<span class="bar" style="width:{first["bar"]["percent"]}%">{escape(first["bar"]["text"])}</span>'
            "</div></div></div>"
        )
    main = {(p.name, p.color): "" for one in content.shown if one.role != "scan" for p in one.labels.phases}
    scan = {(p.name, p.color): " (scan)" for one in content.shown if one.role == "scan" for p in one.labels.phases}
    legend = "".join(
        f'<li><span class="swatch" style="background:{color}"></span>{escape(name)}{where}</li>'
        for (name, color), where in {**scan, **main}.items()
    )
    text = script_json(data)
    field = first["bar"]["text"]
    return (
        f'<figure><div class="panels">{panels}</div><div class="controls"><fieldset><legend>Normal to</legend>{axes}'
        '</fieldset><label for="slice">Slice</label><input type="range" id="slice" min="0" '
        f'max="{len(first["slices"]) - 1}" value="{middle}" step="1"><output id="depth" for="slice" aria-live="polite">'
        f'</output></div><ul class="legend">{legend}</ul><figcaption><b>Figure 1. The same field of view in each.</b> '
        f'Slices <span id="plane">normal to {axis}, {first["plane"]}</span>; every panel shows the same field of the '
        f"material, the bar is {escape(field)} long. The sharp image shows another place: it is compared by its "
        "statistics alone. Move the slider, or use the arrow keys on it."
        f'</figcaption></figure><script type="application/json" id="slice-data">{text}</script>'
    )


def _sheet(sheet: Sheet) -> str:
    kinds = ["", *[' class="n"' if sheet.numbers else ""] * (len(sheet.header) - 1)]
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(sheet.header, kinds, strict=True))
    rows = ""
    for row in sheet.rows:
        if len(row) == 1:
            rows += f'<tr class="group"><th scope="rowgroup" colspan="{len(sheet.header)}">{escape(row[0])}</th></tr>'
            continue
        cells = "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True))
        rows += f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>'
    notes = "".join(f"<p>{escape(note)}</p>" for note in sheet.notes)
    return (
        f'<div class="scroll"><table><caption><b>{escape(sheet.title)}.</b> {escape(sheet.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        + (f'<div class="footnotes">{notes}</div>' if notes else "")
    )


def _plate(plate: Plate, number: int) -> str:
    uri = data_uri(figure_bytes(plate.figure, "svg"), "image/svg+xml")
    alt = escape(f"{plate.title}. {plate.caption}")
    return (
        f'<figure id="{plate.name}"><img alt="{alt}" src="{uri}"><figcaption><b>Figure {number}. '
        f"{escape(plate.title)}.</b> {escape(plate.caption)}</figcaption></figure>"
    )


def _solids(solids: Sequence[tuple[str, bytes, str]], number: int) -> str:
    boxes = "".join(
        f'<div><img alt="{escape(name)} in three dimensions" src="{data_uri(png)}"><span>{escape(name)}</span></div>'
        for name, png, _ in solids
    )
    how = "; ".join(f"{name}: {text}" for name, _, text in solids)
    return (
        f'<figure><div class="solids">{boxes}</div><figcaption><b>Figure {number}. Blocks of the volumes.</b> '
        f"{escape(how)}. Colours as in Figure 1.</figcaption></figure>"
    )


def _check(check: dict[str, Any]) -> str:
    status = str(check.get("status", "unknown"))
    kind = status if status in ("ok", "warning", "unknown") else "unknown"
    name = str(check.get("name", "")).replace("-", " ")
    sentence = escape(str(check.get("sentence", "")))
    return f'<p class="check {kind}"><b>{escape(name)}</b> ({escape(status)}): {sentence}</p>'


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """Return a figure as ``svg`` or ``pdf``, the same bytes each time."""
    from mesofuse.figures.montage import METADATA
    from mesofuse.figures.style import styled

    stream = io.BytesIO()
    with styled():
        figure.savefig(stream, format=kind, metadata=METADATA[f".{kind}"], dpi=200)
    return stream.getvalue()


def pdf(content: Content) -> bytes:
    """Return the figures as one PDF, a figure a page, each with its caption."""
    import textwrap

    from matplotlib.backends.backend_pdf import PdfPages

    from mesofuse.figures.style import styled

    stream = io.BytesIO()
    with styled(), PdfPages(stream, metadata={"CreationDate": None, "Title": content.title}) as pages:
        for number, plate in enumerate(content.plates, 2):
            text = textwrap.fill(f"Figure {number}. {plate.title}. {plate.caption}", 125)
            words = plate.figure.text(0.01, -0.02, text, va="top", ha="left", fontsize=7.5)
            pages.savefig(plate.figure, bbox_inches="tight", pad_inches=0.3)
            words.remove()
    return stream.getvalue()
