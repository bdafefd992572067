"""Opening a job's inputs and checking that they fit each other, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from dataclasses import replace as with_fields

from mesofuse.config.job import InputsConfig
from mesofuse.errors import UserError
from mesofuse.interfaces.method import FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.models.provenance import hash_labels
from mesofuse.registry import get_registry
from mesofuse.volumes.formats import BUILTIN
from mesofuse.volumes.grid import Grid, Scale
from mesofuse.volumes.labelling import LabelMapping, read_labels
from mesofuse.volumes.labels import LabelArray, Labels
from mesofuse.volumes.phases import Phase, PhaseMatch
from mesofuse.volumes.units import convert

SIZE_TOLERANCE = 0.02
"""Relative difference of the files' voxel sizes from the scale factor that is not worth a word."""


@dataclass(frozen=True)
class JobInputs:
    """A job's opened inputs.

    Attributes:
        low_res: The blurry volume.
        image: The sharp image or stack of images.
        problem: Scale, phases and their matching.
        hashes: SHA-256 of each input's labels.
        notes: What the user should know: mapped values, sizes that disagree.
    """

    low_res: Labels
    image: LabelArray
    problem: Problem
    hashes: dict[str, str]
    notes: tuple[str, ...] = field(default=())

    @property
    def fusion(self) -> FusionInputs:
        """What a method is fitted to."""
        return FusionInputs(self.low_res, (self.image,) * 3, self.problem)


def open_labels(
    path: str,
    *,
    voxel_size: Scale | None = None,
    unit: str | None = None,
    phase_names: Sequence[str] = (),
    allow_single_phase: bool = False,
) -> tuple[Labels, LabelMapping]:
    """Open any readable file as labels, with the formats of the plugins."""
    return read_labels(
        path,
        formats=(*BUILTIN, *get_registry().formats),
        voxel_size=voxel_size,
        unit=unit,
        phase_names=phase_names,
        allow_single_phase=allow_single_phase,
    )


def open_inputs(job: InputsConfig) -> JobInputs:
    """Open and check a job's inputs.

    Raises:
        UserError: A file is missing or unusable, or the two don't fit each other.
    """
    low, low_mapping = open_labels(job.low_res, voxel_size=job.voxel_size, unit=job.unit)
    high, high_mapping = open_labels(job.high_res, phase_names=job.phases)
    if min(low.grid.shape) < 2:
        raise UserError(
            f"{job.low_res} is a 2D image of shape {low.grid.shape}; the low-resolution input must be a volume."
        )
    image = LabelArray(high.read(high.grid.region), image_grid(high.grid, low.grid, job.scale), high.phases)
    _check_shown(job.high_res, image)
    notes = [
        f"{path}: values mapped to labels: {mapping}"
        for path, mapping in ((job.low_res, low_mapping), (job.high_res, high_mapping))
        if mapping.changed
    ]
    match = match_phases(job.shows, low.phases, image.phases)
    problem = Problem(job.scale, named_after(low.phases, image.phases, match), image.phases, match)
    notes += size_notes(low.grid, image.grid, job.scale)
    hashes = {"low_res": hash_labels(low), "high_res": hash_labels(image)}
    return JobInputs(low, image, problem, hashes, tuple(notes))


def _check_shown(name: str, image: LabelArray) -> None:
    """Refuse an image that never shows one of its phases: nothing could be learnt of it."""
    absent = [p.name for p in image.phases if not (image.array == p.value).any()]
    if absent:
        raise UserError(
            f"{name} shows {len(image.phases) - len(absent)} phases, but {len(image.phases)} are named: {absent[0]!r} "
            "does not occur; give --phases one name for each value in the image."
        )


def image_grid(image: Grid, low: Grid, scale: Scale) -> Grid:
    """Return the image's grid; where its file says no pixel size, that of the volume and the scale factor."""
    return image if image.known else with_fields(image, voxel_size=low.refined(scale).voxel_size, unit=low.unit)


def match_phases(shows: dict[str, tuple[str, ...]] | None, low: Sequence[Phase], high: Sequence[Phase]) -> PhaseMatch:
    """Return which high-resolution phases each low-resolution phase shows: the rules', or by index."""
    by_index = PhaseMatch.by_index(
        len(low), len(high)
    )  # refuses a volume of more phases than the image, whatever the rules
    return PhaseMatch.parse(shows, low, high) if shows else by_index


def named_after(low: Sequence[Phase], high: Sequence[Phase], match: PhaseMatch) -> tuple[Phase, ...]:
    """Name low-resolution phases that have no name of their own after what they show, for example ``pore + binder``."""
    if any(p.name != f"phase {p.value}" for p in low):
        return tuple(low)
    return tuple(
        with_fields(p, name=" + ".join(high[v].name for v in shown)) for p, shown in zip(low, match.shows, strict=True)
    )


def size_notes(low: Grid, image: Grid, scale: Scale) -> list[str]:
    """Return a warning where both files know their voxel size and these disagree with the scale factor."""
    if not (low.known and image.known):
        return []
    wanted = [convert(v / s, low.unit, image.unit) for v, s in zip(low.voxel_size[1:], scale[1:], strict=True)]
    if all(abs(w / v - 1) <= SIZE_TOLERANCE for w, v in zip(wanted, image.voxel_size[1:], strict=True)):
        return []
    given = " × ".join(f"{v:g}" for v in image.voxel_size[1:])
    expected = " × ".join(f"{w:g}" for w in wanted)
    return [
        f"the image's pixels are {given} {image.symbol}, but the volume's voxels and the scale factor give {expected} "
        f"{image.symbol}: check the scale factor, or rescale the image"
    ]
