"""What a long command says while it runs: a bar where someone watches, a line now and then in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from mesofuse.console import notebook, terminal
from mesofuse.interfaces.events import Event, Note, TileDone, TileProgress, TrainingStep

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

INTERVAL = 10.0  # seconds between lines where no one watches
REDRAW = 0.5  # seconds between pictures of a notebook's bars


class ProgressPrinter:
    """Shows the events of a run on stderr: name, bar, percentage, rate, time left.

    Use it as a context manager and hand `emit` to what runs. On a terminal and in a notebook it draws a bar for each
    job (training, generating); elsewhere it writes a line at the start of each, every 10 seconds, and at its end.
    Events may come from any thread.

    Args:
        quiet: Say nothing.
        stream: Where to write; stderr if None.
        clock: Seconds that pass; a test may bring its own.
    """

    def __init__(
        self, *, quiet: bool = False, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._clock = clock
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._notebook = notebook.NotebookBars() if stream is None and not quiet and notebook.here() else None

    def __enter__(self) -> Self:
        """Start the display."""
        if not self._quiet and self._notebook is None and self._stream.isatty():
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

            columns = (
                TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(),
                TextColumn("{task.fields[note]}", markup=False),
            )  # fmt: skip
            self._bars = Progress(*columns, console=terminal.console(self._stream))
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the display as it stands."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def emit(self, event: Event) -> None:
        """Take an event; those that tell no progress are passed over."""
        if self._quiet:
            return
        if isinstance(event, Note):
            self.say(event.text)
            return
        with self._lock:
            if isinstance(event, TrainingStep):
                note = "  ".join(f"{name} {value:.3g}" for name, value in list(event.metrics.items())[:3])
                self._show("training", event.fraction, event.step, "step", note)
            elif isinstance(event, TileProgress):
                note = "  ".join(f"{name} {value:.3g}" for name, value in list(event.metrics.items())[:3])
                self._show("reconstructing", event.fraction, 100 * event.fraction, "percent", note)
            elif isinstance(event, TileDone):
                done = self._jobs["generating"].units if "generating" in self._jobs else 0
                note = f"tile {event.done} of {event.total}"
                self._show("generating", event.done / max(1, event.total), done + event.voxels, "voxel", note)

    def step(self, name: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` blocks of a job are done."""
        if not self._quiet:
            with self._lock:
                self._show(name, done / max(1, total), done, "block", f"block {done} of {total}")

    def say(self, text: str) -> None:
        """Write a line of its own, above the bars."""
        if self._quiet:
            return
        with self._lock:
            if self._notebook is not None:
                self._notebook.say(text)
            elif self._bars is not None:
                self._bars.console.print(text)
            else:
                print(text, file=self._stream, flush=True)

    def _show(self, name: str, fraction: float, units: float, unit: str, note: str) -> None:
        now = self._clock()
        job = self._jobs.get(name)
        if job is None or fraction < job.fraction:
            job = self._jobs[name] = _Job(now, fraction, units)
        job.fraction, job.units = fraction, units
        rest = "  ".join(filter(None, (job.rate(now, unit), job.left(now), note)))
        if self._notebook is not None:
            if now >= job.next_line or fraction >= 1:
                job.next_line = now + REDRAW
                self._notebook.update(name, fraction, rest)
        elif self._bars is not None:
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, total=1.0, note="")
            self._bars.update(self._tasks[name], completed=fraction, note=rest)
        elif now >= job.next_line or (fraction >= 1 and not job.ended):
            job.next_line = now + INTERVAL
            job.ended = fraction >= 1
            print(f"{name}  {fraction:4.0%}  {rest}", file=self._stream, flush=True)


class _Job:
    """How far a job is, counted from its first event (a resumed job does not begin at zero)."""

    def __init__(self, now: float, fraction: float, units: float) -> None:
        self.since, self.first_fraction, self.first_units = now, fraction, units
        self.fraction, self.units = fraction, units
        self.next_line, self.ended = now, False

    def rate(self, now: float, unit: str) -> str:
        """Return units a second."""
        if now <= self.since or self.units <= self.first_units:
            return ""
        return f"{_short((self.units - self.first_units) / (now - self.since))} {unit}/s"

    def left(self, now: float) -> str:
        """Return the time left at the pace so far."""
        made = self.fraction - self.first_fraction
        if made <= 0 or self.fraction >= 1:
            return ""
        return f"{duration((now - self.since) * (1 - self.fraction) / made)} left"


def _short(value: float) -> str:
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """Return a time for people: ``45 s``, ``3 min 05 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


class SampleBars:
    """Shows how far volumes are measured: a bar each on a terminal; in a log a line now and then, and one at the end.

    Args:
        quiet: Say nothing.
        stream: Where to write; stderr if None.
        brief: In a log, say nothing of what is done in less than 10 seconds.
        clock: Seconds that pass; a test may bring its own.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        brief: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quiet = quiet
        self._brief = brief
        self._clock = clock
        self._jobs: dict[str, _Job] = {}
        self._stream = stream or sys.stderr
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._notebook = notebook.NotebookBars() if stream is None and not quiet and notebook.here() else None

    def __enter__(self) -> Self:
        """Take the display; bars are drawn once there is something to show, so that others may draw before."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the display as it stands."""
        self._stop()

    def say(self, text: str) -> None:
        """Write a line of its own; a bar that is being drawn is left as it stands."""
        self._stop()
        if self._notebook is not None:
            self._notebook.say(text)
        elif not self._quiet:
            print(text, file=self._stream, flush=True)

    def update(self, name: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` parts of a volume, or of a metric's work on it, are measured."""
        if self._quiet:
            return
        if self._notebook is not None:
            self._notebook.update(name, done / max(1, total), f"{done} of {total}")
            return
        if not self._stream.isatty():
            self._line(name, done, total)
            return
        if self._bars is None:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._bars = Progress(*columns, console=terminal.console(self._stream))
            self._bars.start()
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done)

    def _line(self, name: str, done: int, total: int) -> None:
        """Write a line to a log if it is time for one."""
        now = self._clock()
        if name not in self._jobs:
            self._jobs[name] = _Job(now, done / max(1, total), done)
            self._jobs[name].next_line = now + INTERVAL
        job = self._jobs[name]
        job.fraction, job.units = done / max(1, total), done
        if done >= total:
            if not job.ended and (not self._brief or now >= job.since + INTERVAL):
                parts = "measured" if self._brief else f"{total} subvolumes measured"
                print(f"{name}: {parts}", file=self._stream, flush=True)
            job.ended = True
        elif now >= job.next_line:
            job.next_line = now + INTERVAL
            rest = "  ".join(filter(None, (f"{name}  {job.fraction:4.0%}", job.left(now))))
            print(rest, file=self._stream, flush=True)

    def _stop(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars, self._tasks = None, {}
