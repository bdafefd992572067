"""The folder of a run: what it holds, whether it may be used, and how a refused job leaves everything as it was."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mesofuse.errors import UserError
from mesofuse.volumes.files import check_free, remove

CONFIG, HASHES, MODEL, TRAINING = "config.yaml", "inputs.json", "model", "training"
FUSED, NUMBERS, PREVIEW = "fused.zarr", "metrics.json", "preview.png"
REPORT, REPORT_PDF = "report.html", "report.pdf"
DEMO_INPUTS, DEMO_RIVAL, DEMO_FIGURE = "inputs", "interpolation.zarr", "demo.png"
PARTS = {
    CONFIG, HASHES, MODEL, TRAINING, FUSED, f"{FUSED}.tiles.zarr", NUMBERS, PREVIEW, REPORT, REPORT_PDF,
    DEMO_INPUTS, DEMO_RIVAL, f"{DEMO_RIVAL}.tiles.zarr", DEMO_FIGURE,
}  # fmt: skip


def check_folder(out: Path, *, overwrite: bool, resume: bool) -> None:
    """Refuse a folder that a run may not use.

    Raises:
        UserError: It holds something and neither overwrite nor resume is given, it is not a run's folder (then it is
            never overwritten), or it can't be written.
    """
    if overwrite and resume:
        raise UserError("--resume goes on with a run and --overwrite starts anew; give one of them.")
    check_free(out, overwrite=True)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; give the name of a folder with --out.")
    if not out.exists() or not (names := os.listdir(out)):
        return
    strangers = sorted(n for n in names if n not in PARTS and not n.startswith(".")) if not resume else []
    if CONFIG not in names or strangers:
        found = f"holds {strangers[0]!r}" if strangers else f"holds no {CONFIG}"
        raise UserError(f"{out} is not a mesofuse run's folder (it {found}), so it is left alone; give another --out.")
    if not (overwrite or resume):
        raise UserError(
            f"{out} exists already; give --resume to go on with it, --overwrite to start anew, or another --out."
        )


@contextmanager
def run_folder(out: Path, *, overwrite: bool, resume: bool) -> Iterator[Callable[[], None]]:
    """Make the folder of a run; gives a function to call once the job has begun in earnest.

    Whatever fails before that call leaves what was there before: nothing, or the run that was to be overwritten.

    Raises:
        UserError: See `check_folder`.
    """
    check_folder(out, overwrite=overwrite, resume=resume)
    out = out.absolute()
    kept = out.with_name(f".{uuid.uuid4().hex[:8]}.old.{out.name}")
    if overwrite and out.exists():
        out.rename(kept)
    made = next((p for p in (*reversed(out.parents), out) if not p.exists()), None)
    empty = made is not None or not any(out.iterdir())
    out.mkdir(parents=True, exist_ok=True)
    begun = False

    def begin() -> None:
        nonlocal begun
        if not begun:
            begun = True
            remove(kept)

    try:
        yield begin
    except BaseException:
        if not begun:
            for path in [made] if made else out.iterdir() if empty else []:
                remove(path)
            if kept.exists():
                kept.rename(out)
        raise
    begin()
