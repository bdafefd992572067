"""``mesofuse measure --samples``: distributions over random subvolumes, next to each other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesofuse.evaluation.sample_table import SampleTable
from mesofuse.evaluation.subvolumes import sample

if TYPE_CHECKING:
    from mesofuse.evaluation.measure import MetricChoice
    from mesofuse.volumes.labels import Labels


def measure_samples(
    opened: Mapping[str, Labels],
    metrics: Sequence[MetricChoice],
    reference: str | None,
    progress: Callable[[str], Any],
    settings: Mapping[str, Any],
    record: Path | None = None,
) -> SampleTable:
    """Measure the subvolumes of every file.

    Args:
        opened: The volumes by path.
        metrics: What to measure.
        reference: The path that errors are relative to, or None.
        progress: Returns the callback of a path.
        settings: The rest of `sample`'s arguments.
        record: Folder that keeps what is measured, a file per volume; None keeps nothing.
    """
    if record is not None:
        record.mkdir(parents=True, exist_ok=True)
    sampled = {}
    for path, volume in opened.items():
        key = hashlib.sha256(path.encode()).hexdigest()[:8]  # two folders may hold files of one name
        file = None if record is None else record / f"{Path(path).name}-{key}.jsonl"
        sampled[path] = sample(volume, metrics, name=path, progress=progress(path), record=file, **settings)
    return SampleTable(list(sampled.values()), sampled[reference] if reference else None, dict(settings))
