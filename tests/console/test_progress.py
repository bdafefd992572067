import io
import threading

import pytest

from mesofuse.console.progress import ProgressPrinter, SampleBars, duration
from mesofuse.interfaces.events import CheckpointSaved, TileDone, TrainingStep


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_every_ten_seconds_with_rate_and_time_left() -> None:
    clock, out = Clock(), io.StringIO()
    with ProgressPrinter(stream=out, clock=clock) as progress:
        for step in range(26):
            progress.emit(TrainingStep(step, step / 100, {"critic": -1.234}))
            clock.now += 1
    lines = out.getvalue().splitlines()
    assert lines == [
        "training    0%  critic -1.23",
        "training   10%  1 step/s  1 min 30 s left  critic -1.23",
        "training   20%  1 step/s  1 min 20 s left  critic -1.23",
    ]


def test_the_end_is_said_once_whenever_it_comes() -> None:
    clock, out = Clock(), io.StringIO()
    with ProgressPrinter(stream=out, clock=clock) as progress:
        for done in (1, 2, 3, 4):
            progress.emit(TileDone(done, 4, 4000))
            clock.now += 2
        progress.emit(TileDone(4, 4, 0))
    lines = out.getvalue().splitlines()
    assert lines[0] == "generating   25%  tile 1 of 4"
    assert lines[1] == "generating  100%  2 k voxel/s  tile 4 of 4"
    assert len(lines) == 2


def test_a_resumed_job_is_not_thought_fast() -> None:
    clock, out = Clock(), io.StringIO()
    with ProgressPrinter(stream=out, clock=clock) as progress:
        progress.emit(TileDone(90, 100, 10))
        clock.now += 20
        progress.emit(TileDone(92, 100, 10))
    assert "1 min 20 s left" in out.getvalue().splitlines()[1]


def test_training_then_generating_and_events_without_progress() -> None:
    out = io.StringIO()
    with ProgressPrinter(stream=out) as progress:
        progress.emit(CheckpointSaved(3, "somewhere", True))
        progress.emit(TrainingStep(3, 1.0))
        progress.emit(TileDone(1, 1, 8))
    assert [line.split()[0] for line in out.getvalue().splitlines()] == ["training", "generating"]


def test_quiet_says_nothing_even_on_a_terminal() -> None:
    out = Terminal()
    with ProgressPrinter(quiet=True, stream=out) as progress:
        progress.say("Training")
        progress.emit(TileDone(1, 2, 8))
    assert out.getvalue() == ""


def test_sentences_are_written_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    for out in (io.StringIO(), Terminal()):
        with ProgressPrinter(stream=out) as progress:
            progress.emit(TileDone(1, 2, 8))
            progress.say("Measuring [all] of /tmp/a 64 × 64")
        assert "Measuring [all] of /tmp/a 64 × 64" in out.getvalue()


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    clock, out = Clock(), Terminal()
    with ProgressPrinter(stream=out, clock=clock) as progress:
        progress.emit(TileDone(1, 4, 8_000_000))
        clock.now += 2
        progress.emit(TileDone(2, 4, 8_000_000))
    last = out.getvalue()
    assert "generating" in last
    assert "50%" in last
    assert "4 M voxel/s  4 s left  tile 2 of 4" in last


def test_events_from_many_threads_all_count() -> None:
    clock, out = Clock(), io.StringIO()
    with ProgressPrinter(stream=out, clock=clock) as progress:
        threads = [threading.Thread(target=progress.emit, args=(TileDone(1, 9, 100),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        clock.now += 10
        progress.emit(TileDone(9, 9, 300))
    assert "100 voxel/s" in out.getvalue().splitlines()[-1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s"), (3599.6, "1 h 00 min"), (7790, "2 h 10 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_log_of_a_long_metric_has_a_line_now_and_then() -> None:
    clock, out = Clock(), io.StringIO()
    with SampleBars(stream=out, brief=True, clock=clock) as bars:
        bars.update("a.tif: blocks", 1, 2)
        bars.update("a.tif: blocks", 2, 2)
        for done in range(0, 101, 10):
            bars.update("a.tif: tortuosity", done, 100)
            clock.now += 3
    assert out.getvalue().splitlines() == [
        "a.tif: tortuosity   40%  18 s left",
        "a.tif: tortuosity   80%  6 s left",
        "a.tif: tortuosity: measured",
    ]


def test_a_log_of_subvolumes_has_a_line_at_its_end() -> None:
    clock, out = Clock(), io.StringIO()
    with SampleBars(stream=out, clock=clock) as bars:
        for done in range(5):
            bars.update("a.tif", done, 4)
            bars.update("a.tif", done, 4)
    assert out.getvalue() == "a.tif: 4 subvolumes measured\n"
