from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mesofuse.comparison.entry import REFUSED, USAGE, Usage, peak_memory, read_usage
from mesofuse.errors import UserError


def test_peak_is_the_processes_own_not_its_parents():
    ballast = bytearray(400 << 20)  # touched, so that this process is much larger than the child
    code = "from mesofuse.comparison.entry import peak_memory; "
    code += "before = peak_memory(); x = bytearray(300 << 20); print(before, peak_memory())"
    words = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    before, after = map(int, words.split())
    assert 0.9 * (300 << 20) < after - before < 1.3 * (300 << 20)
    assert peak_memory() > len(ballast)


def test_no_record_is_nothing_done_and_a_damaged_one_is_said(tmp_path):
    assert read_usage(tmp_path) == Usage()
    (tmp_path / USAGE).write_text('{"fit_sec', "utf-8")
    with pytest.raises(UserError, match="damaged"):
        read_usage(tmp_path)


def test_a_refusal_reaches_the_other_process_whatever_the_terminal_shows(tmp_path):
    place = tmp_path / "Größe ≥ 3"
    command = [sys.executable, "-m", "mesofuse.comparison.entry", str(place), "a", "progress", "8,8,8"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "latin-1"})
    assert done.returncode == REFUSED, done.stderr
    assert "Größe ≥ 3" in done.stdout.decode("utf-8")
