"""What else the command line does: comparing, degrading, consistency, reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesofuse.api import temporary
from mesofuse.api.pair import Pair, Shows, _rules
from mesofuse.api.volume import Volume, VolumeLike, in_text, opened
from mesofuse.api.words import in_python
from mesofuse.config.method import parse_method
from mesofuse.volumes.grid import parse_scale

if TYPE_CHECKING:
    from mesofuse.comparison.compared import Compared
    from mesofuse.comparison.table import ComparisonTable


@dataclass(frozen=True)
class Comparison:
    """A finished comparison; it prints as the command line's table, and `report` makes a page of its folder.

    Attributes:
        compared: What was measured.
        folder: Where volumes, tables and models are.
    """

    compared: Compared
    folder: Path

    @property
    def volumes(self) -> dict[str, Volume]:
        """The volumes by the names of their columns, the reference's and the image's among them."""
        return {name: Volume(labels, getattr(labels, "path", name)) for name, labels in self.compared.labels.items()}

    @property
    def table(self) -> ComparisonTable:
        """The table, which prints, and writes itself as pandas, CSV, Markdown, LaTeX and JSON."""
        from mesofuse.comparison.table import ComparisonTable

        return ComparisonTable(self.compared)

    def to_pandas(self) -> Any:
        """Return the table as a pandas DataFrame, a row per quantity and volume.

        Raises:
            UserError: If pandas is not installed.
        """
        return self.table.to_pandas()

    def __str__(self) -> str:
        """Return the table."""
        return str(self.table)

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        return self.table._repr_html_()

    def __repr__(self) -> str:
        """Return what was compared, in a line."""
        return f"<comparison of {', '.join(column.name for column in self.compared.columns)} in {self.folder}>"


@in_python
def compare(
    pair: Pair,
    methods: Sequence[str | Mapping[str, Any]] | Mapping[str, Mapping[str, Any]] = (),
    *,
    volumes: Mapping[str, VolumeLike] | None = None,
    reference: VolumeLike | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    metrics: Sequence[Any] | None = None,
    subvolumes: int | None = None,
    size: int | None = None,
    judge: bool = False,
    out: str | Path | None = None,
    workers: int = 1,
    overwrite: bool = False,
    progress: bool = True,
) -> Comparison:
    """Run methods under one budget, and measure their results in the same random subvolumes.

    Args:
        pair: The inputs.
        methods: Names of methods, or ``name:preset``, or their options (``{"name": "superres", "preset": "slim"}``), or
            a mapping from the name of a column to such options.
        volumes: Ready volumes by the names of their columns.
        reference: The truth that errors are relative to; None: the image.
        minutes: Budget of each method in minutes.
        steps: Budget of each method in steps.
        seed: Of trainings and noise.
        metrics: What is measured; None: the usual.
        subvolumes: How many random subvolumes are measured of each volume.
        size: Their edge in voxels.
        judge: Train a classifier to tell each result's planes from the image.
        out: Folder; what it holds is not done again. None: a temporary one.
        workers: Processes that measure.
        overwrite: Replace what the folder holds.
        progress: Show it.

    Raises:
        UserError: If a method, metric or option is not known, or inputs don't fit each other.
    """
    from mesofuse.comparison.run import compare as run
    from mesofuse.config.comparison import make_comparison
    from mesofuse.console.progress import SampleBars

    entries: list[dict[str, Any]] = []
    if isinstance(methods, Mapping):
        entries += [{"name": name, "method": dict(method)} for name, method in methods.items()]
    else:
        entries += [
            {"method": dict(method) if isinstance(method, Mapping) else parse_method(method)} for method in methods
        ]
    for name, one in (volumes or {}).items():
        entries.append({"name": name, "volume": str(Path(opened(one).path).absolute())})
    data: dict[str, Any] = {
        **pair.described, "compare": entries, "minutes": minutes, "steps": steps, "seed": seed, "judge": judge,
    }  # fmt: skip
    if reference is not None:
        data["reference"] = str(Path(opened(reference).path).absolute())
    for key, value in (("metrics", metrics), ("subvolumes", subvolumes), ("size", size)):
        if value is not None:
            data[key] = value
    folder = temporary.folder("comparison") if out is None else Path(out)
    with SampleBars(quiet=not progress) as bars:
        compared = run(
            make_comparison(data, "the call").resolved(), folder, overwrite=overwrite, workers=workers,
            quiet=not progress, say=bars.say, progress=bars.update,
        )  # fmt: skip
    return Comparison(compared, folder)


@in_python
def degrade(
    truth: VolumeLike,
    scale: float | Sequence[float],
    *,
    shows: Shows | None = None,
    degradation: str = "blur-downsample",
    options: Mapping[str, Any] | None = None,
    noise: float = 0.0,
    threshold: float | Sequence[float] | str | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> Volume:
    """Scan a sharp volume with a simulated instrument, to test a fusion against a known truth.

    Args:
        truth: The volume; it is read in blocks.
        scale: Voxels of it along one scan voxel.
        shows: Which of its phases each scan phase shows; None: the scan shows them all.
        degradation: Name of the instrument's model.
        options: Its options.
        noise: Standard deviation of the grey noise, where 1 is the contrast of two phases.
        threshold: Grey value, or values, at which the scan is segmented, or ``otsu``; None: the largest share decides.
        seed: Of the noise.
        out: File to write, whose ending names the format; None: a temporary one.
        overwrite: Replace what exists.

    Raises:
        UserError: If the volume is smaller than a scan voxel, or an option is not known.

    >>> import numpy as np
    >>> import mesofuse as mf
    >>> truth = np.kron(np.indices((4, 4, 4)).sum(0) % 2, np.ones((8, 8, 8), int))
    >>> mf.degrade(mf.volume(truth, phases=["pore", "solid"]), 4).shape
    (8, 8, 8)
    """
    from mesofuse.registry import get_registry
    from mesofuse.simulation.scan import Scan, Scanner, parse_thresholds, scan_problem
    from mesofuse.volumes.formats.catalogue import BUILTIN, write_labels

    text = threshold if isinstance(threshold, str) or threshold is None else None
    if text is None and threshold is not None:
        text = ",".join(map(str, threshold)) if isinstance(threshold, Sequence) else str(threshold)
    fine = opened(truth).labels
    scanner = Scanner(degradation, dict(options or {}), noise, seed, parse_thresholds(text))
    scan = Scan(fine, scan_problem(fine.phases, parse_scale(in_text(scale)), _rules(shows) or {}), scanner)
    path = str(out) if out is not None else f"{temporary.folder('scan')}.zarr"
    write_labels(scan, path, (*BUILTIN, *get_registry().formats), overwrite=overwrite)
    from mesofuse.api.volume import volume

    return volume(path)


@in_python
def consistency(
    result: VolumeLike,
    pair: Pair,
    *,
    degradation: str = "blur-downsample",
    out: str | Path | None = None,
    workers: int | None = None,
    overwrite: bool = False,
) -> tuple[Volume, dict[str, float]]:
    """Degrade a result as the scanner would, and map where it shows another phase than the scan.

    Args:
        result: The volume.
        pair: What it was made from.
        degradation: Name of the instrument's model.
        out: Zarr volume to write; None: a temporary one.
        workers: Blocks in flight; None: one per core.
        overwrite: Replace what exists.

    Returns:
        The map on the scan's grid, 0 agrees and 1 violated, and the share of voxels that agree: in ``all``, and of each
        scan phase.

    Raises:
        UserError: If the result does not lie on the scan.
    """
    from mesofuse.evaluation.violations import violations
    from mesofuse.registry import get_registry
    from mesofuse.streaming.compute import default_workers

    problem = pair.inputs.problem
    built = get_registry().find("degradation", degradation).build(None, problem)
    path = str(out) if out is not None else f"{temporary.folder('violations')}.zarr"
    found = violations(
        opened(result).labels, pair.inputs.scan, problem, built, path, overwrite=overwrite,
        workers=workers or default_workers("cpu"),
    )  # fmt: skip
    names = [phase.name for phase in problem.low_phases]
    counts = [(found.voxels.sum(), found.violated.sum()), *zip(found.voxels, found.violated, strict=True)]
    shares = {
        name: 1 - float(k / n) if n else float("nan") for name, (n, k) in zip(["all", *names], counts, strict=True)
    }
    return Volume(found.volume, path), shares


@in_python
def report(
    folder: str | Path, out: str | Path | None = None, *, pdf: bool = False, workers: int = 1, overwrite: bool = False,
    progress: bool = True,
) -> Path:  # fmt: skip
    """Write a run of `fuse`, or a comparison, as one HTML file that needs nothing else.

    Args:
        folder: The run's or the comparison's folder.
        out: File to write; None: ``report.html`` in the folder.
        pdf: Write a PDF of the same name too.
        workers: Processes that measure.
        overwrite: Replace what exists.
        progress: Show it.

    Returns:
        The HTML file.

    Raises:
        UserError: If the folder holds neither, or a file exists already.
    """
    from mesofuse.reporting.source import Sampling
    from mesofuse.reporting.write import Wanted, write_report

    wanted = Wanted(None if out is None else Path(out), pdf, overwrite=overwrite)
    return write_report(Path(folder), Sampling(workers=workers), wanted, quiet=not progress)[0]
