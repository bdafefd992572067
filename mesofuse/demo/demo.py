"""The whole job on a made-up electrode whose truth is known, so that every number can be held against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesofuse.config.job import dump_job, make_job
from mesofuse.errors import UserError
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.evaluation.texture import TEXTURE
from mesofuse.figures.montage import montage
from mesofuse.interfaces.events import Event
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.interfaces.problem import Problem
from mesofuse.models.device import resolve_device
from mesofuse.pipeline.folder import CONFIG, DEMO_FIGURE, DEMO_INPUTS, DEMO_RIVAL, run_folder
from mesofuse.pipeline.fuse import fuse
from mesofuse.pipeline.inputs import open_inputs
from mesofuse.pipeline.measuring import AGAINST_SCAN, OF_IMAGE
from mesofuse.pipeline.projection import method_degradation
from mesofuse.registry import get_registry
from mesofuse.simulation.electrode import NAMES, make_electrode, make_scan, sections
from mesofuse.streaming.compute import default_workers
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.volumes.formats.catalogue import write_labels
from mesofuse.volumes.grid import Region, Triple
from mesofuse.volumes.labels import LabelArray, Labels
from mesofuse.volumes.part import Part
from mesofuse.volumes.phases import PhaseMatch, default_phases
from mesofuse.volumes.store.volume import StoredVolume

SCALE = 4
LOW_PHASES = ("pore + binder", "active")
# The binder absorbs X-rays as little as the pore space, so the scan can't tell them apart.
SHOWS = ((0, 2), (1,))
RIVAL = "interpolation"
IMAGES = 12
FRACTION_LIMIT, AREA_LIMIT, CONSISTENCY_LIMIT, TEXTURE_LIMIT = 0.015, 0.12, 0.98, 2.0
PART = 96
"""Edge of the middle part whose texture is compared: the smaller, the farther even the truth is from the image."""


@dataclass(frozen=True)
class Line:
    """One value of the comparison.

    Attributes:
        metric: Name of the metric.
        label: What of.
        truth: The known value.
        fused: The fused volume's.
        rival: The interpolated volume's.
        limit: Largest error that is taken for success, in words.
        within: Whether the fused value keeps within it.
        closer: Whether the fused value is closer to the truth than the rival's.
    """

    metric: str
    label: str
    truth: float
    fused: float
    rival: float
    limit: str
    within: bool
    closer: bool

    @property
    def verdict(self) -> str:
        """``met``, ``missed``, or ``not closer`` (than the rival, though within the limit)."""
        return ("met" if self.closer else "not closer") if self.within else "missed"


@dataclass(frozen=True)
class DemoResult:
    """What the demo achieved.

    Attributes:
        lines: Value by value.
        figure: Path of the picture.
    """

    lines: tuple[Line, ...]
    figure: Path

    @property
    def success(self) -> bool:
        """Whether every value is within its limit and closer to the truth than the rival's."""
        return all(line.verdict == "met" for line in self.lines)


def run_demo(
    out: Path,
    *,
    size: int = 256,
    minutes: float | None = 1.5,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
    emit: Callable[[Event], None] = lambda event: None,
    say: Callable[[str], None] = lambda text: None,
) -> DemoResult:
    """Make an electrode, scan it, cut sections from another one, fuse, and compare with the truth.

    Args:
        out: Folder of the run.
        size: Edge of the electrode in voxels, a multiple of 4.
        minutes: Training budget.
        steps: Training budget in steps, or None.
        seed: Of the material, the training and the generation.
        device: Where to compute.
        overwrite: Replace an earlier run.
        emit: Takes the events.
        say: Takes a sentence at each stage.

    Raises:
        UserError: If the folder is taken, or the size is not usable.
    """
    if size % SCALE:
        raise UserError(f"The demo's electrode can't have an edge of {size} voxels: it must be a multiple of {SCALE}.")
    folder = out.absolute() / DEMO_INPUTS
    scan_file, image_file = folder / "scan.tif", folder / "sections.tif"
    names = list(NAMES)
    data: dict[str, Any] = {
        "low_res": str(scan_file),
        "high_res": str(image_file),
        "scale": SCALE,
        "method": {"name": "superres", "preset": "patterns"},
        "shows": {str(i): [names[v] for v in shown] for i, shown in enumerate(SHOWS)},
        "phases": names,
        "minutes": minutes,
        "steps": steps,
        "seed": seed,
        "device": device,
    }
    job = make_job(data, "the demo").resolved()
    resolve_device(device)
    with run_folder(out, overwrite=overwrite, resume=False):
        edge = image_edge(size)
        say(f"Making an electrode of {size}³ voxels and its scan, and {IMAGES} sections of {edge}² of another one")
        known = make_known(size, seed)
        truth = known.truth
        folder.mkdir()
        for labels, file in ((known.scan, scan_file), (known.image, image_file), (truth, folder / "truth.tif")):
            write_labels(labels, file)
        (out / CONFIG).write_text(dump_job(job, out), encoding="utf-8")
    inputs = open_inputs(job)
    fused = fuse(job, inputs, out, resume=True, emit=emit, say=say)
    say("Interpolating, as the plain rival")
    rival = interpolate(inputs.fusion, out, seed, emit)
    degradation = method_degradation(fused.package, inputs.problem)

    def measured(volume: Labels, name: str) -> Measured:
        return measure(
            volume, (*OF_IMAGE["phases"], *AGAINST_SCAN), name=name, workers=default_workers("cpu"),
            scan=ScanReference.of(inputs.problem, inputs.low_res, degradation),
        )  # fmt: skip

    def texture(volume: Labels, name: str) -> Measured:
        part = Part(volume, middle(volume.grid.shape))
        return measure(part, [TEXTURE], name=name, images=dict(enumerate(inputs.images)))

    three = ((truth, "truth"), (fused.volume, "fused"), (rival, RIVAL))
    lines = compare(measured(truth, "truth"), fused.measured, measured(rival, RIVAL))
    lines += compare(*(texture(volume, name) for volume, name in three))
    figure = out / DEMO_FIGURE
    montage(figure, low_res=inputs.low_res, result=fused.volume, image=inputs.image)
    return DemoResult(lines, figure)


@dataclass(frozen=True)
class Known:
    """An electrode whose every voxel is known.

    Attributes:
        truth: The electrode.
        scan: What the instrument shows of it.
        image: Sections of another electrode of the kind.
        problem: Scale, phases, and which shows which.
    """

    truth: LabelArray
    scan: LabelArray
    image: LabelArray
    problem: Problem


def make_known(size: int, seed: int, scale: int = SCALE) -> Known:
    """Make an electrode of ``size``³ voxels, its scan at a scale factor, and sections of another electrode.

    Raises:
        UserError: If the size is not usable.
    """
    truth, edge = make_electrode((size,) * 3, seed=seed), image_edge(size)
    image = sections(make_electrode((edge,) * 3, seed=seed + 1), IMAGES, edge, seed=seed)
    problem = Problem((float(scale),) * 3, default_phases(2, LOW_PHASES), truth.phases, PhaseMatch(SHOWS))
    instrument = get_registry().find("degradation", "blur-downsample").build(None, problem)
    return Known(truth, make_scan(truth, instrument, problem), image, problem)


def middle(shape: Triple) -> Region:
    """Return the middle `PART`³ voxels, or what there is of them."""
    edges = [min(PART, n) for n in shape]
    start = [(n - e) // 2 for n, e in zip(shape, edges, strict=True)]
    z, y, x = ((a, a + e) for a, e in zip(start, edges, strict=True))
    return Region((z[0], y[0], x[0]), (z[1], y[1], x[1]))


def image_edge(size: int) -> int:
    """Return the edge of the sections for an electrode of ``size``.

    Twelve sections of 384² know the volume fractions to about half a point; six of 256² only to 1.2, nearly the demo's
    limit. A trial on a small electrode need not know them as well.
    """
    return min(384, size * 3 // 2)


def interpolate(inputs: FusionInputs, out: Path, seed: int, emit: Callable[[Event], None]) -> StoredVolume:
    """Return the volume that interpolation makes of the same inputs."""
    assert inputs.low_res is not None
    run = FitRun(out, seed, "cpu", Budget(), False, emit)
    model = get_registry().find("method", RIVAL).build(None).fit(inputs, run)
    options = GenerateOptions(seed, levels=False)
    return generate(model, inputs.low_res, inputs.low_res.grid, str(out / DEMO_RIVAL), options)


def compare(truth: Measured, fused: Measured, rival: Measured) -> tuple[Line, ...]:
    """Return the comparison line by line.

    Fractions in points, areas relative, agreement with the scan as it is, distances from the image as multiples of the
    truth's own.
    """
    own, other = _values(fused), _values(rival)
    lines = []
    for key, value in _values(truth).items():
        metric, label = key
        a, b = own[key], other[key]
        if metric == "volume-fraction":
            limit, within = f"± {100 * FRACTION_LIMIT:g} points", abs(a - value) <= FRACTION_LIMIT
        elif metric == "surface-area":
            limit, within = f"± {100 * AREA_LIMIT:g} %", abs(a - value) <= AREA_LIMIT * value
        elif metric == TEXTURE:
            limit, within = f"≤ {TEXTURE_LIMIT:g} × the truth's", a <= TEXTURE_LIMIT * value
        elif metric == "low-res-consistency" and label == "all":
            limit, within = f"≥ {100 * CONSISTENCY_LIMIT:g} %", a >= CONSISTENCY_LIMIT
        else:
            continue
        closer = metric == "low-res-consistency" or abs(a - value) < abs(b - value)
        lines.append(Line(metric, label, value, a, b, limit, within, closer))
    return tuple(lines)


def _values(measured: Measured) -> dict[tuple[str, str], float]:
    return {(r.metric, r.label): r.value for r in measured.results if isinstance(r, Measurement)}
