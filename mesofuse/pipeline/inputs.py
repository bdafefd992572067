"""Opening a job's inputs and checking that they fit each other, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as with_fields
from typing import Literal, TypeVar

from mesofuse.config.inputs import InputsConfig
from mesofuse.config.job import JobConfig
from mesofuse.errors import UserError
from mesofuse.interfaces.method import FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.models.provenance import hash_labels
from mesofuse.pipeline.voxel_sizes import on_grid, pixels_note, settle
from mesofuse.registry import get_registry
from mesofuse.volumes.formats.catalogue import BUILTIN
from mesofuse.volumes.grid import Grid, Scale
from mesofuse.volumes.intensities import read_intensities
from mesofuse.volumes.labelling import LabelMapping, read_labels
from mesofuse.volumes.labels import LabelArray, Labels, is_masked
from mesofuse.volumes.mask import Ignore, check_found
from mesofuse.volumes.phases import Phase, PhaseMatch
from mesofuse.volumes.same_phases import check_same, check_shown_by_number, unnamed

_Inputs = TypeVar("_Inputs", bound=InputsConfig)


@dataclass(frozen=True)
class JobInputs:
    """A job's opened inputs.

    Attributes:
        low_res: The blurry volume, or None for a method that takes none.
        images: The sharp images of planes normal to z, y and x; one object for axes that look alike.
        problem: Scale, phases and their matching.
        hashes: SHA-256 of each input's labels.
        notes: What the user should know: mapped values, sizes that disagree.
        mappings: What became of the values of each file.
        names: The names that the user gave the image's phases.
        image_name: The file of the image of planes normal to z.
    """

    low_res: Labels | None
    images: tuple[LabelArray, LabelArray, LabelArray]
    problem: Problem
    hashes: dict[str, str]
    notes: tuple[str, ...] = field(default=())
    mappings: Mapping[str, LabelMapping] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    image_name: str = ""

    @property
    def fusion(self) -> FusionInputs:
        """What a method is fitted to."""
        return FusionInputs(self.low_res, self.images, self.problem)

    @property
    def image(self) -> LabelArray:
        """The image of planes normal to z; the only one of isotropic material."""
        return self.images[0]

    @property
    def scan(self) -> Labels:
        """The blurry volume.

        Raises:
            UserError: There is none.
        """
        if self.low_res is None:
            raise UserError("There is no scan, but this needs one: give --low-res and --scale.")
        return self.low_res


def open_labels(
    path: str,
    *,
    voxel_size: Scale | None = None,
    unit: str | None = None,
    phase_names: Sequence[str] = (),
    allow_single_phase: bool = False,
    ignore: Sequence[Ignore] = (),
    crop: str | None = None,
) -> tuple[Labels, LabelMapping]:
    """Open any readable file as labels, with the formats of the plugins; see `read_labels`."""
    return read_labels(
        path,
        formats=(*BUILTIN, *get_registry().formats),
        voxel_size=voxel_size,
        unit=unit,
        phase_names=phase_names,
        allow_single_phase=allow_single_phase,
        ignore=ignore,
        crop=crop,
    )


def scaled(job: _Inputs, inputs: JobInputs) -> _Inputs:
    """Return a job with the scale factor that its opened inputs have, which may follow from the voxel sizes."""
    return job if inputs.low_res is None else job.model_copy(update={"scale": inputs.problem.scale})


def open_inputs(job: InputsConfig) -> JobInputs:
    """Open and check a job's inputs.

    Raises:
        UserError: If a file is missing or unusable, or they don't fit each other.
    """
    if isinstance(job, JobConfig) and job.content != "phases":
        return _open_intensities(job, job.content)
    notes: list[str] = []
    mappings: dict[str, LabelMapping] = {}
    low = _open_scan(job, notes, mappings)
    stacks: dict[str, LabelArray] = {}
    for axes, path in job.images.items():
        stacks[axes] = _open_image(job, path, low is not None, notes, mappings)
    check_found([Ignore.parse(text) for text in job.ignore], {path: m.ignored for path, m in mappings.items()})
    scale: Scale = (1.0, 1.0, 1.0)
    if low is None:
        notes += pixels_note({axes: image.grid for axes, image in stacks.items()})
    else:
        files = {axes: (path, stacks[axes].grid) for axes, path in job.images.items()}
        sizes = settle(job.scale, job.low_res or "", low.grid, files)
        scale, low, notes = sizes.scale, on_grid(low, sizes.scan), [*notes, *sizes.notes]
        stacks = {axes: with_fields(image, grid=sizes.images[axes]) for axes, image in stacks.items()}
    images = {axis: image for axes, image in stacks.items() for axis in axes}
    first, image_name = images["z"], next(path for axes, path in job.images.items() if "z" in axes)
    _check_alike(job.images, images)
    if not job.phases and unnamed(first):
        check_same({path: (images[axes[0]], mappings[path]) for axes, path in job.images.items()})
    if low is None:
        problem = Problem(scale, (), first.phases, PhaseMatch(()))
    else:
        match = match_phases(job.shows, low.phases, first.phases)
        if not job.shows and job.low_res is not None:
            check_shown_by_number(job.low_res, mappings[job.low_res], mappings[image_name])
        problem = Problem(scale, named_after(low.phases, first.phases, match), first.phases, match)
        notes += free_note(match, first.phases)
    trio = (images["z"], images["y"], images["x"])
    hashes = _hashes(low, job.images, images)
    return JobInputs(low, trio, problem, hashes, tuple(dict.fromkeys(notes)), mappings, tuple(job.phases), image_name)


def _open_scan(job: InputsConfig, notes: list[str], mappings: dict[str, LabelMapping]) -> Labels | None:
    """Open the scan, if there is one, and add what there is to say of it."""
    if job.low_res is None:
        return None
    # Without a size of the scan's own, --unit next to a pixel size is that size's unit alone.
    unit = job.unit if job.voxel_size is not None or job.image_pixel_size is None else None
    low, mapping = open_labels(
        job.low_res,
        voxel_size=job.voxel_size,
        unit=unit,
        ignore=_ignored(job, job.low_res_ignore),
        crop=job.low_res_crop,
    )
    _check_volume(job.low_res, low.grid, job.scale)
    notes += mapping.remarks(job.low_res)
    mappings[job.low_res] = mapping
    return low


def _open_image(
    job: InputsConfig, path: str, scan: bool, notes: list[str], mappings: dict[str, LabelMapping]
) -> LabelArray:
    """Open an image or a stack of them, and add what there is to say of it."""
    size, unit = pixel_options(job, scan=scan)
    image, mapping = open_labels(
        path,
        voxel_size=size,
        unit=unit,
        phase_names=job.phases,
        ignore=_ignored(job, job.high_res_ignore),
        crop=job.high_res_crop,
    )
    found = LabelArray(image.read(image.grid.region), image.grid, image.phases, is_masked(image))
    _check_shown(path, found)
    notes += mapping.remarks(path)
    mappings[path] = mapping
    return found


def _ignored(job: InputsConfig, own: Sequence[str]) -> list[Ignore]:
    """Return what is to be ignored in one of the inputs: its own values, and those for all where they occur."""
    return [*map(Ignore.parse, own), *(Ignore.parse(text, optional=True) for text in job.ignore)]


def pixel_options(job: InputsConfig, *, scan: bool) -> tuple[Scale | None, str | None]:
    """Return the voxel size and the unit that a job's options give an image.

    Args:
        job: The job.
        scan: Whether there is a scan, whose size ``voxel_size`` is; else it is the image's.
    """
    if job.image_pixel_size is not None:
        rows, columns = job.image_pixel_size
        return (rows, rows, columns), job.unit
    return (None, None) if scan else (job.voxel_size, job.unit)


def _open_intensities(job: JobConfig, content: Literal["grey", "colour"]) -> JobInputs:
    """Open images of grey values or colours, which stand alone."""
    if job.ignore or job.high_res_ignore:
        raise UserError(
            f"Ignored values are for phases, not for {content} values: give --crop the part that shows the material."
        )
    size, unit = pixel_options(job, scan=False)
    found, notes = read_intensities(
        job.images, content, formats=(*BUILTIN, *get_registry().formats), voxel_size=size, unit=unit,
        crop=job.high_res_crop,
    )  # fmt: skip
    images = {axis: found[axes] for axes in job.images for axis in axes}
    problem = Problem((1.0, 1.0, 1.0), (), (), PhaseMatch(()), content)
    stacks = (images["z"], images["y"], images["x"])
    return JobInputs(None, stacks, problem, _hashes(None, job.images, images), tuple(notes))


def _check_volume(name: str, grid: Grid, scale: Scale | None) -> None:
    """Refuse a scan that is no volume; one voxel thick, it can be made sharper within its plane alone."""
    if min(grid.shape[1:]) < 2 or (grid.shape[0] == 1 and scale is not None and scale[0] != 1):
        hint = ""
        if grid.shape[0] == 1 and scale is not None:
            hint = f"; to make the image itself sharper, give --scale 1,{scale[1]:g},{scale[2]:g}"
        raise UserError(f"{name} is a 2D image of shape {grid.shape}; the scan must be a volume{hint}.")


def _check_alike(files: Mapping[str, str], images: Mapping[str, LabelArray]) -> None:
    """Refuse images of several directions that do not show the same phases."""
    names = {axes: [p.name for p in images[axes[0]].phases] for axes in files}
    first = next(iter(names))
    for axes, found in names.items():
        if found != names[first]:
            raise UserError(
                f"{files[axes]} has the phases {', '.join(found)}, but {files[first]} has {', '.join(names[first])}: "
                "the images of all directions must show the same phases."
            )


def _hashes(low: Labels | None, files: Mapping[str, str], images: Mapping[str, LabelArray]) -> dict[str, str]:
    hashes = {} if low is None else {"low_res": hash_labels(low)}
    for axes in files:
        name = "high_res" if len(files) == 1 else f"high_res_{axes}"
        hashes[name] = hash_labels(images[axes[0]])
    return hashes


def _check_shown(name: str, image: LabelArray) -> None:
    """Refuse an image that never shows one of its phases: nothing could be learnt of it."""
    absent = [p.name for p in image.phases if not (image.array == p.value).any()]
    if absent:
        raise UserError(
            f"{name} shows {len(image.phases) - len(absent)} phases, but {len(image.phases)} are named: {absent[0]!r} "
            "does not occur; give --phases one name for each value in the image."
        )


def match_phases(shows: dict[str, tuple[str, ...]] | None, low: Sequence[Phase], high: Sequence[Phase]) -> PhaseMatch:
    """Return which image phases each scan phase shows: the rules', or by index."""
    by_index = PhaseMatch.by_index(
        len(low), len(high)
    )  # refuses a volume of more phases than the image, whatever the rules
    return PhaseMatch.parse(shows, low, high) if shows else by_index


def named_after(low: Sequence[Phase], high: Sequence[Phase], match: PhaseMatch) -> tuple[Phase, ...]:
    """Name scan phases that have no name of their own after what they show, for example ``pore + binder``."""
    if any(p.name != f"phase {p.value}" for p in low):
        return tuple(low)
    return tuple(
        with_fields(p, name=" + ".join(high[v].name for v in shown)) for p, shown in zip(low, match.shows, strict=True)
    )


def free_note(match: PhaseMatch, phases: Sequence[Phase]) -> list[str]:
    """Return a note of the phases that no phase of the scan shows, if there are any."""
    free = [p.name for p in match.free(phases)]
    if not free:
        return []
    names = ", ".join(free)
    it, lies, is_free = ("it", "lies", "is") if len(free) == 1 else ("they", "lie", "are")
    return [
        f"no phase of the scan shows {names}, so the scan does not say where {it} {lies} and agreement with it does "
        f"not count {names}: {it} {is_free} free; if the scan shows {names} as one of its phases, say so with --shows"
    ]
