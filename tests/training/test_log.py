import csv

import numpy as np
from PIL import Image

from mesofuse.training.log import MetricsLog, save_preview
from mesofuse.volumes.phases import default_phases


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_on_disk_at_once_and_columns_may_come_later(tmp_path):
    log = MetricsLog(tmp_path / "m.csv")
    log.write({"step": 1, "loss": 0.5})
    log.write({"step": 2, "loss": 0.25})
    log.write({"step": 3, "loss": 0.125, "error": 2.0})
    log.write({"step": 4, "loss": 1.0})
    assert rows(tmp_path / "m.csv") == [
        {"step": "1", "loss": "0.5", "error": ""},
        {"step": "2", "loss": "0.25", "error": ""},
        {"step": "3", "loss": "0.125", "error": "2"},
        {"step": "4", "loss": "1", "error": ""},
    ]


def test_a_resumed_log_has_the_rows_of_its_checkpoint(tmp_path):
    log = MetricsLog(tmp_path / "m.csv")
    for step in range(1, 4):
        log.write({"step": step, "loss": 1.0})
    kept = log.text()
    log.write({"step": 4, "loss": 1.0, "error": 3.0})
    with open(tmp_path / "m.csv", "ab") as file:
        file.write(b"\xff5")  # damaged, or torn by a kill
    again = MetricsLog(tmp_path / "m.csv")
    again.restore(kept)
    again.write({"step": 4, "loss": 2.0})
    assert [(r["step"], r["loss"]) for r in rows(tmp_path / "m.csv")] == [
        ("1", "1"),
        ("2", "1"),
        ("3", "1"),
        ("4", "2"),
    ]


def test_a_log_that_begins_anew_replaces_the_file(tmp_path):
    (tmp_path / "m.csv").write_text("step,loss\n1,2\n")
    MetricsLog(tmp_path / "m.csv").write({"step": 1, "loss": 3.0})
    assert rows(tmp_path / "m.csv") == [{"step": "1", "loss": "3"}]


def test_cells_of_the_same_step_are_one_row(tmp_path):
    log = MetricsLog(tmp_path / "m.csv")
    log.write({"step": 1, "loss": 3.0})
    log.write({"step": 1, "error": 2.0})
    assert rows(tmp_path / "m.csv") == [{"step": "1", "loss": "3", "error": "2"}]


def test_previews_have_the_phases_colours(tmp_path):
    labels = np.array([[0, 1], [2, 0]], dtype=np.uint8)
    phases = default_phases(3)
    save_preview(tmp_path / "p" / "a.png", labels, phases)
    picture = np.asarray(Image.open(tmp_path / "p" / "a.png"))
    assert tuple(picture[0, 1]) == phases[1].rgb
    assert tuple(picture[1, 0]) == phases[2].rgb
