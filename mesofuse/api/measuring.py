"""Measuring volumes and images next to each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mesofuse.api.pair import Pair
from mesofuse.api.volume import Volume, VolumeLike, opened
from mesofuse.api.words import in_python, note
from mesofuse.errors import UserError
from mesofuse.evaluation.measure import MetricChoice
from mesofuse.evaluation.result_table import ResultTable
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.interfaces.metric import Measured
from mesofuse.pipeline.measuring import OF_IMAGE
from mesofuse.volumes.content import content_of, in_words
from mesofuse.volumes.described import Described
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.same_phases import unnamed


@in_python
def measure(
    volumes: VolumeLike | Sequence[VolumeLike] | Mapping[str, VolumeLike],
    metrics: str | Iterable[MetricChoice] | None = None,
    *,
    reference: VolumeLike | None = None,
    pair: Pair | None = None,
    workers: int = 1,
    progress: bool = True,
) -> ResultTable:
    """Measure volumes and images, and set them next to each other.

    Args:
        volumes: What to measure: open volumes and images, files, arrays, or a mapping from the names of the table's
            columns to them; a large volume is read in blocks.
        metrics: Names of metrics (`mesofuse plugins list` has them), or pairs of a name and its options, such as
            ``("tortuosity", {"axes": ["z"]})``; None: the usual ones of such voxels.
        reference: What errors are relative to, an image or a volume; it is measured too. Metrics that compare textures
            (``pattern-distance``, ``judge``) compare with it.
        pair: The pair that volumes were made from, for metrics that compare with the scan.
        workers: Threads that read and count.
        progress: Show it.

    Returns:
        A table that prints, and writes itself as pandas, CSV, Markdown, LaTeX and JSON.

    Raises:
        UserError: If a metric is not known, or nothing says which phase of one volume is which of another.

    >>> import numpy as np
    >>> import mesofuse as mf
    >>> checks = mf.volume(np.indices((8, 8, 8)).sum(0) % 2, phases=["pore", "solid"])
    >>> table = mf.measure({"checks": checks}, ["volume-fraction"], progress=False)
    >>> print(table)
    metric           of     checks  unit
    ------------------------------------
    volume-fraction  pore      0.5
                     solid     0.5
    >>> table.value("volume-fraction", "solid")
    0.5
    """
    from mesofuse.console.progress import SampleBars
    from mesofuse.evaluation.measure import measure as of
    from mesofuse.evaluation.texture import all_with_floors, compares, images_of

    if isinstance(volumes, (Volume, str, Path, np.ndarray)):
        volumes = [volumes]
    found = [opened(v) for v in (volumes.values() if isinstance(volumes, Mapping) else volumes)]
    if not found:
        raise UserError("There is nothing to measure: give one or more volumes or images.")
    usual = OF_IMAGE[content_of(found[0].labels)]
    chosen: list[MetricChoice] = [metrics] if isinstance(metrics, str) else list(usual if metrics is None else metrics)
    against = None if reference is None else _same(opened(reference), found)
    everything = found if against is None or against in found else [against, *found]
    names = list(volumes) if isinstance(volumes, Mapping) else _names(found)
    names = names if against is None or against in found else [*_names([against]), *names]
    labels = _alike(everything)
    scan = None if pair is None else _scan(pair)
    images = None
    if against is not None and compares(chosen):
        images = images_of(labels[everything.index(against)], stack=against.stack)
    measured: list[Measured] = []
    with SampleBars(quiet=not progress, brief=True) as bars:
        for name, one, read in zip(names, everything, labels, strict=True):
            own = one is against

            def watch(what: str, done: int, total: int, name: str = name) -> None:
                bars.update(f"{name}: {what}", done, total)

            found_here = of(
                read, chosen, stack=one.stack, name=name, workers=workers, progress=watch,
                images=None if own else images, scan=None if own or one.stack else scan,
            )  # fmt: skip
            measured.append(found_here)
    at = None if against is None else everything.index(against)
    if images is not None and at is not None:
        measured = all_with_floors(measured, at)
    return ResultTable(measured, None if at is None else measured[at])


def _scan(pair: Pair) -> ScanReference | None:
    """Return what metrics that compare with the scan need."""
    from mesofuse.registry import get_registry

    problem = pair.inputs.problem
    built = get_registry().find("degradation", "blur-downsample").build(None, problem)
    return ScanReference.of(problem, pair.inputs.low_res, built)


def _names(volumes: Sequence[Volume]) -> list[str]:
    """Return the volumes' names, numbered where several are called alike."""
    names = [one.name for one in volumes]
    return [name if names.count(name) == 1 else f"{name} {names[: i + 1].count(name)}" for i, name in enumerate(names)]


def _same(one: Volume, others: Sequence[Volume]) -> Volume:
    """Return the one of several that is the same file, or the volume itself."""
    return next((other for other in others if other.path == one.path), one)


def _alike(volumes: Sequence[Volume]) -> list[Labels]:
    """Return the labels, those without names of phases under the names of the others.

    Raises:
        UserError: If their phases differ.
    """
    kinds = [content_of(one.labels) for one in volumes]
    for one, kind in zip(volumes, kinds, strict=True):
        if kind != kinds[0]:
            raise UserError(
                f"{one.name} holds {in_words(kind)}, but {volumes[0].name} holds {in_words(kinds[0])}: they can't be "
                "compared."
            )
    if kinds[0] != "phases":
        return [one.labels for one in volumes]
    named = next((v for v in volumes if not unnamed(v.labels)), volumes[0])
    found: list[Labels] = []
    for one in volumes:
        if len(one.phases) != len(named.phases):
            raise UserError(
                f"{one.name} has {len(one.phases)} phases, but {named.name} has {len(named.phases)}, so it is not "
                "clear which is which: open both with the same phases=[…]."
            )
        if not unnamed(one.labels) and one.phases != named.phases:
            raise UserError(
                f"{one.name} has the phases {', '.join(one.phases)}, but {named.name} has {', '.join(named.phases)}: "
                "open both with the same phases=[…]."
            )
        if unnamed(one.labels) and one is not named:
            note(f"the phases of {one.name} are taken to be {', '.join(named.phases)}, in this order")
            found.append(Described.of(one.labels, phases=named.labels.phases))
        else:
            found.append(one.labels)
    return found
