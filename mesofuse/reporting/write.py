"""Writing a report: all of its files, or none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mesofuse.console.progress import SampleBars
from mesofuse.errors import UserError
from mesofuse.pipeline.folder import REPORT
from mesofuse.reporting.content import content
from mesofuse.reporting.html import figure_bytes, page
from mesofuse.reporting.html import pdf as figures_as_pdf
from mesofuse.reporting.source import Sampling, open_source
from mesofuse.volumes.files import check_free, replacing


@dataclass(frozen=True)
class Wanted:
    """The files that a report is to be.

    Attributes:
        out: The HTML file; None for ``report.html`` in the folder.
        pdf: Whether to write the figures as one PDF of the same name too.
        figures: Folder for a file of each figure; None for none.
        kind: Format of those: ``pdf`` or ``svg``.
        overwrite: Whether to replace what exists.
    """

    out: Path | None = None
    pdf: bool = False
    figures: Path | None = None
    kind: str = "pdf"
    overwrite: bool = False


def write_report(folder: Path, sampling: Sampling, wanted: Wanted, *, quiet: bool = False) -> list[Path]:
    """Measure what is missing of a run or a comparison, and write its report.

    Args:
        folder: The run's or the comparison's folder.
        sampling: What to measure.
        wanted: The files.
        quiet: Show no progress.

    Returns:
        The files, the HTML file first.

    Raises:
        UserError: If the folder holds neither, or a file exists already.
    """
    target = wanted.out or folder / REPORT
    if target.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"{target} must end in .html; --figures writes the figures as {wanted.kind}.")
    files = [target, *([target.with_suffix(".pdf")] if wanted.pdf else [])]
    for file in files:
        check_free(file, wanted.overwrite)
    if wanted.figures is not None and wanted.figures.exists() and not wanted.figures.is_dir():
        raise UserError(f"{wanted.figures} is a file; give the name of a folder with --figures.")
    with SampleBars(quiet=quiet) as bars:
        source = open_source(folder, sampling, say=bars.say, progress=bars.update)
        bars.say("Drawing")
        shown = content(source)
    outputs = {target: page(shown).encode("utf-8")}
    if wanted.pdf:
        outputs[files[1]] = figures_as_pdf(shown)
    if wanted.figures is not None:
        outputs |= {
            wanted.figures / f"{plate.name}.{wanted.kind}": figure_bytes(plate.figure, wanted.kind)
            for plate in shown.plates
        }
        for file in list(outputs)[len(files) :]:
            check_free(file, wanted.overwrite)
    for file, data in outputs.items():
        with replacing(file) as temporary:
            temporary.write_bytes(data)
    return list(outputs)
