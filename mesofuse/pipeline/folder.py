"""The folder of a run: what it holds, whether it may be used, and how a refused job leaves everything as it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from mesofuse.errors import UserError
from mesofuse.volumes.files import check_free, remove, tidy
from mesofuse.volumes.lock import alone

CONFIG, HASHES, MODEL, TRAINING = "config.yaml", "inputs.json", "model", "training"
FUSED, NUMBERS, PREVIEW = "fused.zarr", "metrics.json", "preview.png"
REPORT, REPORT_PDF = "report.html", "report.pdf"
DEMO_INPUTS, DEMO_RIVAL, DEMO_FIGURE = "inputs", "interpolation.zarr", "demo.png"
PARTS = {
    CONFIG, HASHES, MODEL, TRAINING, FUSED, f"{FUSED}.tiles.zarr", NUMBERS, PREVIEW, REPORT, REPORT_PDF,
    DEMO_INPUTS, DEMO_RIVAL, f"{DEMO_RIVAL}.tiles.zarr", DEMO_FIGURE,
}  # fmt: skip
LOG, PREVIEWS = "metrics.csv", "previews"
"""What a training's folder holds for people to look at; all else in it is there to go on from."""
_CLAIMED: ContextVar[frozenset[Path]] = ContextVar("claimed", default=frozenset())


def check_folder(out: Path, *, overwrite: bool, resume: bool) -> None:
    """Refuse a folder that a run may not use.

    One in which nothing of worth lies (see `of_worth`) may be used as if it were new.

    Raises:
        UserError: If it holds something and neither overwrite nor resume is given, it is not a run's folder (then it is
            never overwritten), or it can't be written.
    """
    if overwrite and resume:
        raise UserError("--resume continues a run and --overwrite starts anew; give one of them.")
    check_free(out, overwrite=True)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; give the name of a folder with --out.")
    names = [n for n in os.listdir(out) if not n.startswith(".")] if out.exists() else []
    if not names:
        return
    strangers = sorted(n for n in names if n not in PARTS) if not resume else []
    if CONFIG not in names or strangers:
        found = f"holds {strangers[0]!r}" if strangers else f"holds no {CONFIG}"
        raise UserError(f"{out} is not a mesofuse run's folder (it {found}), so it is left alone; give another --out.")
    if not (overwrite or resume) and of_worth(out):
        raise UserError(
            f"{out} exists already; give --resume to continue it, --overwrite to start anew, or another --out."
        )


def of_worth(out: Path) -> bool:
    """Return whether a run's folder holds any work: a checkpoint, a model, a volume, numbers."""
    names = {n for n in os.listdir(out) if not n.startswith(".")} if out.is_dir() else set()
    return bool(names - {CONFIG, HASHES, TRAINING, DEMO_INPUTS}) or can_go_on(out)


def can_go_on(out: Path) -> bool:
    """Return whether a run's folder holds what its training can go on from."""
    training = out / TRAINING
    kept = [p for p in training.iterdir() if p.name not in (LOG, PREVIEWS)] if training.is_dir() else []
    return any(p.is_file() or any(p.iterdir()) for p in kept)


def forget_training(out: Path) -> None:
    """Delete what the training of a run could go on from, and leave its log and its previews."""
    training = out / TRAINING
    for path in training.iterdir() if training.is_dir() else []:
        if path.name not in (LOG, PREVIEWS):
            remove(path)


@contextmanager
def claimed(out: Path, say: Callable[[str], None] = lambda text: None) -> Iterator[None]:
    """Wait until no other run of this machine works in the folder, and hold it for the block, in which it is claimable.

    What a killed run left half-written in it or next to it is undone first.

    Args:
        out: The folder; it need not exist.
        say: Takes a sentence where another run has to be waited for.
    """
    out = out.absolute()
    if out in _CLAIMED.get():
        yield
        return
    missing = [p for p in out.parents if not p.exists()]
    try:
        with alone(out, lambda: say(f"Another run is at work in {out}; waiting for it to end.")):
            token = _CLAIMED.set(_CLAIMED.get() | {out})
            try:
                _recover(out)
                yield
            finally:
                _CLAIMED.reset(token)
    finally:
        with suppress(OSError):  # the lock's own parents, where nothing was put into them
            for parent in missing:
                parent.rmdir()


def _recover(out: Path) -> None:
    kept = _kept(out)
    if kept.exists() and of_worth(out):
        remove(kept)
    elif kept.exists():  # killed before the run that was to replace it had made anything
        remove(out)
        kept.rename(out)
    if out.is_dir():
        for folder in (out, out / TRAINING, *(out / TRAINING).glob("*/")):
            tidy(folder)


def _kept(out: Path) -> Path:
    """Return where the run that is to be replaced lies until then."""
    return out.with_name(f".{out.name}.replaced")


@contextmanager
def run_folder(
    out: Path, *, overwrite: bool, resume: bool, say: Callable[[str], None] = lambda text: None
) -> Iterator[Callable[[], None]]:
    """Make the folder of a run; gives a function to call once the run has made something of worth.

    Whatever fails before that call leaves what was there before: nothing, or the run that was to be overwritten.

    Raises:
        UserError: See `check_folder`.
    """
    check_folder(out, overwrite=overwrite, resume=resume)
    out = out.absolute()
    made = next((p for p in (*reversed(out.parents), out) if not p.exists()), None)
    with claimed(out, say):
        check_folder(out, overwrite=overwrite, resume=resume)  # another run may have used it meanwhile
        kept = _kept(out)
        if overwrite and out.exists():
            out.rename(kept)
        elif not resume and (out / CONFIG).exists():
            say(f"An earlier attempt in {out} ended before it had made anything of worth, so the run starts anew.")
            for name in (CONFIG, HASHES, TRAINING):
                remove(out / name)
        fresh = not out.exists() or not [p for p in out.iterdir() if p.name != DEMO_INPUTS]
        out.mkdir(parents=True, exist_ok=True)
        begun = not fresh

        def begin() -> None:
            nonlocal begun
            if not begun:
                begun = True
                remove(kept)

        try:
            yield begin
        except BaseException:
            if not begun:
                _undo(out, made, kept)
            raise
        begin()


def _undo(out: Path, made: Path | None, kept: Path) -> None:
    for path in [made] if made else [p for p in out.iterdir() if p.name != DEMO_INPUTS]:
        remove(path)
    if kept.exists():
        remove(out)
        kept.rename(out)
