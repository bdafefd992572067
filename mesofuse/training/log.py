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


class MetricsLog:
    """A CSV file of one row a step; columns that first appear later are added, their earlier cells left empty.

    Args:
        path: The file; an existing one is continued.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []
        self.columns: list[str] = []
        if path.exists():
            with open(path, newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                self.columns = list(reader.fieldnames or [])
                # A kill may have torn the last line; a row without its last cell is not whole.
                self.rows = [row for row in reader if row.get("step", "").isdigit() and None not in row.values()]
        self._file: io.TextIOWrapper | None = None

    def cut(self, step: int) -> None:
        """Forget the rows after ``step``, which a resumed run will write again."""
        self.rows = [row for row in self.rows if int(row["step"]) <= step]
        self._rewrite()

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a row."""
        cells = {k: f"{v:.8g}" if isinstance(v, float) else str(v) for k, v in row.items()}
        self.rows.append(cells)
        if new := [k for k in cells if k not in self.columns]:
            self.columns += new
            self._rewrite()
            return
        if self._file is None:
            self._rewrite()
            return
        csv.DictWriter(self._file, self.columns, restval="").writerow(cells)
        self._file.flush()

    def _rewrite(self) -> None:
        self.close()
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomic(self.path, text.getvalue().encode())
        self._file = open(self.path, "a", newline="", encoding="utf-8")  # noqa: SIM115 (kept open for the run)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def save_preview(path: Path, labels: np.ndarray, phases: Sequence[Phase]) -> None:
    """Write 2D labels as a PNG in the phases' colours; without phases, grey values or colours (3, rows, columns)."""
    from PIL import Image

    shown = np.array([p.rgb for p in phases], dtype=np.uint8)[labels] if phases else labels
    shown = np.moveaxis(shown, 0, -1) if shown.shape[0] == 3 and not phases else shown
    picture = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(picture, format="PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, picture.getvalue())
