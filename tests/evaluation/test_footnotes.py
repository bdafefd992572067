from __future__ import annotations

import re

from mesofuse.evaluation.footnotes import Footnotes


def test_every_note_has_its_marker_and_every_marker_its_note():
    notes = Footnotes()
    cells = [
        notes.marked("undefined", "the phase is absent"),
        notes.marked("1", "", "measured in pixels."),
        notes.marked("∞", "the phase is absent", "measured in pixels"),
        notes.marked("2"),
    ]
    assert cells == ["undefined [1]", "1 [2]", "∞ [1] [2]", "2"]
    assert notes.lines == ["[1] The phase is absent.", "[2] Measured in pixels."]
    marks = set(re.findall(r"\[\d+\]", " ".join(cells)))
    assert marks == {line.split()[0] for line in notes.lines}
