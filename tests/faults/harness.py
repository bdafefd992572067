"""A fault at any file operation of any command, then the run that mends it, held against a run without a fault.

    with Server() as server:
        clean = server.record(job, tmp_path / "clean")            # the operations of a run without a fault
        tally = Tally(job.name)
        for fault in draw(clean.operations, 60, seed=1):
            tally.add(server.attempt(job, clean, fault, tmp_path / "case"))
    tally.check()                                                # prints the counts; all must be 0

A `Job` is a command, run in an empty folder (after ``setup``), and the command that mends what a fault left of it. The
folder of a mended run must hold the same files with the same bytes as that of a clean one. Keep what a command reads
outside the folder, unless faults are to strike there too.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.plant import ERRORS, FILLS, SIGNALS

ROOT = Path(__file__).parents[2]
ACTIONS = (*SIGNALS, *ERRORS)
SECONDS = 120
_INTERNAL = re.compile(r"Traceback \(most recent call last\)|mesofuse itself failed|Exception ignored|Segmentation")


def nothing(folder: Path) -> None:
    """Put nothing into a case's folder."""


def never(folder: Path) -> bool:
    """Claim nothing."""
    return False


@dataclass(frozen=True)
class Job:
    """A command that is struck, and what holds for it.

    Attributes:
        name: For the counts.
        argv: Words after ``mesofuse``; it is run in the case's folder, so names in it are relative to that.
        again: The words that mend it, usually the same with ``--resume``; it must exit with 0.
        setup: Puts into the folder what exists before.
        complete: Whether a folder claims to hold a finished result, which must then be right.
        wrong: Compares a finished folder with the clean one and names what differs; by default `differing` bytes.
        varying: Pattern of the relative names whose bytes may differ (times, say); they must exist nonetheless.
        env: Variables of both commands.
    """

    name: str
    argv: Sequence[str]
    again: Sequence[str]
    setup: Callable[[Path], None] = nothing
    complete: Callable[[Path], bool] = never
    wrong: Callable[[Path, Path], Iterable[str]] | None = None
    varying: str = r"(?!)"
    env: Mapping[str, str] = field(default_factory=dict)

    def differences(self, clean: Path, folder: Path) -> list[str]:
        """Name what is not as in the clean folder; strays are not counted here."""
        if self.wrong:
            return list(self.wrong(clean, folder))
        return differing(clean, folder, self.varying)


@dataclass(frozen=True)
class Fault:
    """What happens where: the ``at``-th operation of a kind (`tests.faults.plant.KINDS`, from 0) meets ``action``.

    An action is a signal that the process sends itself before the operation (halfway through a write), or an error
    that the operation raises. A lasting one is met by all later operations that a full disk refuses.
    """

    action: str
    kind: str
    at: int
    lasting: bool = False


@dataclass(frozen=True)
class Run:
    """How a command ended: exit code (negative: the signal), what it printed, where the fault struck, if it did."""

    code: int
    output: str
    struck: tuple[str, str] | None = None
    late: bool = False
    operations: tuple[tuple[str, str], ...] = ()
    modules: tuple[str, ...] = ()

    @property
    def internal(self) -> bool:
        """Whether it failed in a way that is no sentence to the user."""
        return bool(_INTERNAL.search(self.output)) or self.late


@dataclass(frozen=True)
class Clean:
    """A run without a fault."""

    folder: Path
    operations: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Trial:
    """What a fault did, and what the mending run left.

    Attributes:
        fault: The fault.
        first: The struck run.
        mended: The run of ``Job.again``.
        wrong: What differs from the clean run after mending.
        strays: Names that a clean run does not leave.
        untrue: What differs though the struck run ended with 0, or its folder claims to be complete.
    """

    fault: Fault
    first: Run
    mended: Run
    wrong: tuple[str, ...]
    strays: tuple[str, ...]
    untrue: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is held against it."""
        internal = self.first.internal or self.mended.internal
        return not (self.wrong or self.strays or self.untrue or internal or self.mended.code)

    def __str__(self) -> str:
        return (
            f"{self.fault} struck {self.first.struck}: exit {self.first.code}, mended {self.mended.code}; "
            f"wrong {self.wrong[:3]}, strays {self.strays[:3]}, untrue {self.untrue[:3]}\n"
            f"    {self.first.output[-600:].strip()!r}\n    {self.mended.output[-600:].strip()!r}"
        )


class Tally:
    """Counts over the trials of a job."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.trials: list[Trial] = []

    def add(self, trial: Trial) -> None:
        """Count one."""
        self.trials.append(trial)

    @property
    def counts(self) -> dict[str, int]:
        """Return what was found, by kind; all but ``faults`` and ``struck`` should be 0."""
        t = self.trials
        return {
            "faults": len(t),
            "struck": sum(x.first.struck is not None for x in t),
            "wrong": sum(bool(x.wrong) for x in t),
            "tracebacks": sum(x.first.internal or x.mended.internal for x in t),
            "strays": sum(bool(x.strays) for x in t),
            "wrongly complete": sum(bool(x.untrue) for x in t),
            "not mended": sum(x.mended.code != 0 for x in t),
        }

    def __str__(self) -> str:
        return f"{self.name}: " + ", ".join(f"{count} {what}" for what, count in self.counts.items())

    def check(self) -> None:
        """Print the counts and fail unless every trial is sound, and nearly every fault has struck.

        Threads make a little more or fewer operations of a kind in each run, so the last ones may not be reached.
        """
        print(self)
        bad = [str(t) for t in self.trials if not t.sound]
        assert not bad, f"{self}\n" + "\n".join(bad[:20])
        assert len(self.trials) - self.counts["struck"] <= max(1, len(self.trials) // 10), str(self)


def draw(
    operations: Sequence[tuple[str, str]], count: int, *, seed: int = 0, actions: Sequence[str] = ACTIONS
) -> list[Fault]:
    """Draw faults over all kinds and positions: every kind of operation meets every action that it can meet.

    Kinds and actions take turns; of each pair the positions come in random order, none twice.
    """
    rng = random.Random(seed)
    counts: dict[str, int] = {}
    for kind, _ in operations:
        counts[kind] = counts.get(kind, 0) + 1
    pools = []
    for kind, total in sorted(counts.items()):
        for action in actions:
            if action == "ENOSPC" and kind not in FILLS:
                continue
            places = list(range(total))
            rng.shuffle(places)
            pools.append([Fault(action, kind, at, lasting=action == "ENOSPC") for at in places])
    rng.shuffle(pools)
    drawn: list[Fault] = []
    while len(drawn) < count and any(pools):
        drawn += [pool.pop() for pool in pools if pool]
    return drawn[:count]


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return relative names to bytes; None for folders."""
    found: dict[str, bytes | None] = {}
    for parent, folders, files in os.walk(folder):
        for name in folders:
            found[os.path.relpath(os.path.join(parent, name), folder)] = None
        for name in files:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def differing(clean: Path, folder: Path, varying: str = r"(?!)") -> list[str]:
    """Name the files of the clean folder that the other lacks, or holds with other bytes."""
    wanted, found = tree(clean), tree(folder)
    bad = []
    for name, data in wanted.items():
        if name not in found:
            bad.append(f"{name} is missing")
        elif found[name] != data and not re.search(varying, name):
            bad.append(f"{name} differs")
    return bad


class Server:
    """Runs commands in children of a process that has imported everything; use it in a ``with``."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._warm: set[str] = set()

    def __enter__(self) -> Server:
        paths = [str(ROOT), *map(str, sorted(ROOT.glob("plugins/*/src"))), os.environ.get("PYTHONPATH", "")]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.server"], cwd=ROOT, env=env, text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        with self._running() as process:  # closes its pipes and waits for it
            assert process.stdin is not None
            process.stdin.close()

    def _ask(self, **request: Any) -> dict[str, Any]:
        process = self._running()
        print(json.dumps(request), file=process.stdin, flush=True)
        assert process.stdout is not None
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        return answer

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def start(
        self,
        argv: Sequence[str],
        folder: Path,
        *,
        fault: Fault | None = None,
        env: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
        user: int = 0,
        modules: bool = False,
        label: str = "run",
    ) -> Callable[[], Run]:
        """Start a command in a folder and return what waits for its end.

        Args:
            argv: Words after ``mesofuse``.
            folder: Where it runs; operations below it are counted.
            fault: What strikes it.
            env: Variables next to those of this process.
            limits: Name of a limit (``RLIMIT_NOFILE``) to its value.
            user: Number of the user that it becomes; needs root.
            modules: Whether the run's modules are wanted.
            label: Tells apart what several runs in one folder print.
        """
        beside = folder.parent / f"{folder.name[:200]}.{label}"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(mode=0o777)
        beside.chmod(0o777)
        out, err, report = (beside / name for name in ("stdout", "stderr", "report"))
        planted = fault and [fault.action, fault.kind, fault.at, fault.lasting]
        pid = self._ask(
            do="run", argv=list(argv), folder=str(folder), fault=planted, env=dict(env or {}),
            limits=dict(limits or {}), user=user, modules=modules, stdout=str(out), stderr=str(err), report=str(report),
        )["pid"]  # fmt: skip

        def wait() -> Run:
            end = self._ask(do="wait", pid=pid, seconds=SECONDS)
            output = "".join(f.read_text("utf-8", "replace") for f in (out, err) if f.exists())
            said: dict[str, Any] = {}
            for line in report.read_text("utf-8").splitlines() if report.exists() else []:
                said |= json.loads(line)
            struck = tuple(said["struck"]) if "struck" in said else None
            seen = tuple((kind, path) for kind, path in said.get("seen", ()))
            return Run(end["code"], output, struck, end["late"], seen, tuple(said.get("modules", ())))

        return wait

    def run(self, argv: Sequence[str], folder: Path, **more: Any) -> Run:
        """Run a command to its end; see `start`."""
        return self.start(argv, folder, **more)()

    def record(self, job: Job, folder: Path) -> Clean:
        """Run a job without a fault, and learn its operations and what is worth importing before the next."""
        self._fresh(job, folder)
        run = self.run(job.argv, folder, env=job.env, modules=True)
        assert not run.internal, run.output
        assert run.code == 0, run.output
        new = sorted({m for m in run.modules if not m.startswith("__")} - self._warm)
        self._warm |= set(new)
        assert self._ask(do="import", modules=new)["threads"] == 1
        return Clean(folder, run.operations)

    def attempt(self, job: Job, clean: Clean, fault: Fault, folder: Path) -> Trial:
        """Strike a job once and mend it; ``folder`` is emptied first."""
        self._fresh(job, folder)
        first = self.run(job.argv, folder, fault=fault, env=job.env)
        untrue: list[str] = []
        if first.code == 0 or job.complete(folder):
            untrue = job.differences(clean.folder, folder)
        mended = self.run(job.again, folder, env=job.env)
        strays = sorted(set(tree(folder)) - set(tree(clean.folder)))
        wrong = job.differences(clean.folder, folder)
        return Trial(fault, first, mended, tuple(wrong), tuple(strays), tuple(untrue))

    @staticmethod
    def _fresh(job: Job, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        job.setup(folder)
