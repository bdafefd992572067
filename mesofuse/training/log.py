"""The run's record: metrics.csv that survives a kill, and preview pictures."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.training.checkpoint import write_atomic
from mesofuse.volumes.phases import Phase
from mesofuse.volumes.shading import pixels


class MetricsLog:
    """A CSV file of one row per step; columns that first appear later are added, their earlier cells left empty.

    What the file holds is replaced at the first row: a run that goes on gives the log its earlier rows, which its
    checkpoint holds.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []
        self.columns: list[str] = []
        self._begun = False

    def text(self) -> str:
        """Return the whole file's text."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()

    def restore(self, text: str) -> None:
        """Begin with the rows that `text` returned, in place of what the file holds."""
        reader = csv.DictReader(io.StringIO(text))
        self.columns = list(reader.fieldnames or [])
        self.rows = list(reader)
        self._rewrite()

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a row; cells of the step that the last row is of are put into that one."""
        cells = {k: f"{v:.8g}" if isinstance(v, float) else str(v) for k, v in row.items()}
        if self.rows and self.rows[-1].get("step") == cells.get("step"):
            self.rows[-1] |= cells
            self.columns += [k for k in cells if k not in self.columns]
            self._rewrite()
            return
        self.rows.append(cells)
        if (new := [k for k in cells if k not in self.columns]) or not self._begun:
            self.columns += new
            self._rewrite()
            return
        # Opened for the one row: a full disk then fails here, and not again when the file is closed.
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns, restval="").writerow(cells)

    def _rewrite(self) -> None:
        write_atomic(self.path, self.text().encode())
        self._begun = True


def save_preview(path: Path, labels: np.ndarray, phases: Sequence[Phase]) -> None:
    """Write 2D labels as a PNG in the phases' colours; without phases, grey values or colours (3, rows, columns)."""
    from PIL import Image

    picture = io.BytesIO()
    Image.fromarray(pixels(labels, phases)).save(picture, format="PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, picture.getvalue())
