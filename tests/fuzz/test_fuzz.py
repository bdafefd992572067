"""Damaged files of every kind that mesofuse reads: each gives labels, or a refusal of one line that names the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).with_name("run.py")


def fuzz(count: int, first: int, tmp_path: Path, *options: str, seconds: float = 900) -> dict[str, Any]:
    """Return the record of a run."""
    out = tmp_path / "record.json"
    command = [sys.executable, str(RUN), "--count", str(count), "--first", str(first), "--json", str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode in (0, 1), done.stderr
    record: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return record


def told(record: dict[str, Any]) -> str:
    """Return the findings, a line each."""
    lines = [
        f"{f['outcome']}: {f['seed']} {f['number']}: {(f['words'].strip().splitlines() or [''])[-1][:160]}"
        for f in record["findings"]
    ]
    return "\n".join(lines)


def test_three_hundred_damaged_files_give_labels_or_one_line(tmp_path: Path) -> None:
    record = fuzz(300, 0, tmp_path)
    assert record["cases"] >= 280
    assert not record["findings"], told(record)
    assert record["outcomes"]["labels"] > 20  # the damage is not such that nothing is ever read
    assert record["outcomes"]["refused"] > 100


@pytest.mark.slow
def test_six_thousand_damaged_files_give_labels_or_one_line(tmp_path: Path) -> None:
    record = fuzz(6000, 10_000, tmp_path)
    assert record["cases"] >= 5500
    assert not record["findings"], told(record)


PLANTED = (
    ("raise ValueError('planted')", "failed"),
    ("import time; time.sleep(60)", "hung"),
    ("x = bytearray(1 << 31)", "memory"),
    ("import os; os._exit(3)", "died"),
    ("import warnings; warnings.warn('planted'); return (5, 12, 16)", "noise"),
    ("import os; os.write(2, b'planted'); return (5, 12, 16)", "noise"),
    ("from mesofuse.errors import UserError; raise UserError('no name')", "sentence"),
    ("from mesofuse.errors import UserError; raise UserError(f'{path}\\nplanted')", "sentence"),
    ("return (1, 2, 3)", "shape"),
)


def test_planted_faults_are_found(tmp_path: Path) -> None:
    plants = [word for fault, _ in PLANTED for word in ("--plant", fault)]
    record = fuzz(1, 0, tmp_path, "--only", "imagej.tif", "--seconds", "1.5", *plants)
    assert [f["outcome"] for f in record["findings"]] == [outcome for _, outcome in PLANTED]
