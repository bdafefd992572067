"""Files that are measured next to each other, and the scan that they are compared with, opened and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mesofuse.errors import UserError
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.problem import Problem
from mesofuse.pipeline.inputs import open_labels
from mesofuse.pipeline.voxel_sizes import on_grid
from mesofuse.registry import get_registry
from mesofuse.volumes.content import Content, in_words
from mesofuse.volumes.formats.catalogue import BUILTIN
from mesofuse.volumes.grid import Grid, Scale
from mesofuse.volumes.intensities import open_intensities
from mesofuse.volumes.labelling import LabelMapping
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.mask import Ignore, check_found
from mesofuse.volumes.phases import PhaseMatch, parse_rules
from mesofuse.volumes.same_phases import Opened, check_shown_by_number, open_alike
from mesofuse.volumes.scale import (
    derived,
    disagreement,
    quotient,
    scale_text,
    seen_note,
    seen_region,
    shapes_differ,
    times,
)
from mesofuse.volumes.store.opening import content_at
from mesofuse.volumes.units import convert


@dataclass(frozen=True)
class GivenSizes:
    """The sizes that the command line gives files that state none.

    Attributes:
        voxel_size: Of volumes, and of images where there is no other.
        image_pixel_size: Of images: of files of one plane, and of stacks where they are said to be such.
        unit: Unit of both.
        stack: Whether the files are stacks of images.
    """

    voxel_size: Scale | None = None
    image_pixel_size: tuple[float, float] | None = None
    unit: str | None = None
    stack: bool = False

    def of(self, grid: Grid) -> Scale | None:
        """Return what is given for a file, by its grid."""
        if self.image_pixel_size is None or not self.image(grid):
            return self.voxel_size
        rows, columns = self.image_pixel_size
        return (rows, rows, columns)

    def image(self, grid: Grid) -> bool:
        """Return whether a file is an image, or images, and so says nothing of the axis that they are normal to."""
        return self.stack or grid.shape[0] == 1


def open_all(
    paths: Sequence[str],
    phases: str | None,
    given: GivenSizes | None = None,
    *,
    ignore: Sequence[str] = (),
    crop: str | None = None,
    cropped: Sequence[str] = (),
    content: Content = "phases",
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Opened]:
    """Open all files so that a label means the same phase in each, and say what there is to say of them.

    Args:
        paths: The files.
        phases: Names of the phases by label.
        given: Sizes for files that state none.
        ignore: Values that are no material, in whichever of the files they occur.
        crop: The part to take of some of the files.
        cropped: These files.
        content: What image files hold; volumes that mesofuse made say it themselves.
        note: Takes what the user should know, as a sentence.

    Raises:
        UserError: If a file can't be read, or nothing says which phase of one file is which of another.
    """
    sizes = given or GivenSizes()
    if (holds := content_of_all(paths, content)) != "phases":
        if phases or ignore:
            raise UserError(f"{in_words(holds).capitalize()} have no phases: leave out --phases and --ignore.")
        return _open_intensities(paths, holds, sizes, {path: crop for path in cropped if crop}, note)
    wanted = [Ignore.parse(text, optional=True) for text in ignore]

    def opened(path: str, names: Sequence[str]) -> Opened:
        part = crop if path in cropped else None
        volume, mapping = open_labels(
            path, phase_names=names, allow_single_phase=True, ignore=wanted, crop=part
        )  # fmt: skip
        size = sizes.of(volume.grid)
        if size is not None and not volume.grid.known:
            volume, mapping = open_labels(
                path,
                phase_names=names,
                voxel_size=size,
                unit=sizes.unit,
                allow_single_phase=True,
                ignore=wanted,
                crop=part,
            )
        if sizes.image(volume.grid):
            rows, columns = volume.grid.voxel_size[1:]
            volume = on_grid(volume, replace(volume.grid, voxel_size=(rows, rows, columns)))
        return volume, mapping

    files = open_alike(paths, opened, [name.strip() for name in phases.split(",")] if phases else [])
    check_found(wanted, {path: mapping.ignored for path, (_, mapping) in files.items()})
    for path, (_, mapping) in files.items():
        for remark in mapping.remarks(path):
            note(remark)
    silent = [path for path, (volume, _) in files.items() if not volume.grid.known]
    for path in silent if len(silent) < len(files) else []:
        option = "--image-pixel-size" if sizes.image(files[path][0].grid) else "--voxel-size"
        note(
            f"{path} states no voxel size: what counts voxels is compared as if they were as large as the others', "
            f"what has a unit is not compared; give {option}."
        )
    return files


def content_of_all(paths: Sequence[str], content: Content = "phases") -> Content:
    """Return what the voxels of files hold: what a volume of intensities among them says, else what is given."""
    return next((held for path in paths if (held := content_at(path)) != "phases"), content)


def _open_intensities(
    paths: Sequence[str], content: Content, sizes: GivenSizes, crops: Mapping[str, str], note: Callable[[str], None]
) -> dict[str, Opened]:
    """Open files of grey values or colours, images with pixels as high as planes are apart."""
    formats = (*BUILTIN, *get_registry().formats)
    found: dict[str, Opened] = {}
    for path in paths:
        volume, notes = open_intensities(path, content, formats=formats, crop=crops.get(path))
        size = sizes.of(volume.grid)
        if size is not None and not volume.grid.known:
            volume = on_grid(volume, replace(volume.grid, voxel_size=size, unit=sizes.unit or "micrometer"))
        for text in notes:
            note(text)
        found[path] = volume, LabelMapping(())
    return found


def open_scan(
    path: str,
    name: str,
    opened: Opened,
    scale: Scale | None,
    shows: Sequence[str],
    degradation: str,
    ignore: Sequence[Ignore] = (),
    note: Callable[[str], None] = lambda text: None,
) -> ScanReference:
    """Open the scan ``path`` and build its degradation for the volume ``name``.

    Raises:
        UserError: If the scan can't be read, or nothing says how it goes with the volume.
    """
    volume, mapping = opened
    low, own = open_labels(path, ignore=ignore)
    for remark in own.remarks(path):
        note(remark)
    scale = _scale(scale, path, low.grid, name, volume.grid, note)
    if not shows:
        check_shown_by_number(path, own, mapping)
    shapes = volume.grid.shape, low.grid.shape
    if seen_region(*shapes, scale) is None:
        raise UserError(f"{name}: {shapes_differ(*shapes, scale)}")
    if text := seen_note(*shapes, scale):
        note(f"{name}: {text}.")
    match = _match(shows, low, volume)
    built: Degradation = get_registry().find("degradation", degradation).build(
        None, Problem(scale, low.phases, volume.phases, match)
    )  # fmt: skip
    return ScanReference(low, match, scale, built)


def _scale(given: Scale | None, path: str, scan: Grid, name: str, fine: Grid, note: Callable[[str], None]) -> Scale:
    """Return the scale factor given, compared with what the voxel sizes give, or the latter."""
    if not (scan.known and fine.known):
        if given is None:
            silent = " and ".join(p for p, grid in ((path, scan), (name, fine)) if not grid.known)
            raise UserError(
                "Missing option '--scale': say how many voxels of the volume lie along one of the scan. It would "
                f"follow from the voxel sizes, but there are none in {silent}."
            )
        return given
    sizes = [convert(v, fine.unit, scan.unit) for v in fine.voxel_size]
    exact = quotient(scan.voxel_size, sizes, planar=scan.shape[0] == fine.shape[0] == 1)
    what = f"the voxels of {path} are {times(scan.voxel_size)} {scan.symbol}, those of {name} {times(sizes)}"
    if given is None:
        found = derived(exact, what)
        note(f"the scale factor is {scale_text(found)}: {what}.")
        return found
    if text := disagreement(given, exact):
        note(f"{what}, so {text}; leave out --scale to have the right one, or correct the files' sizes.")
    return given


def _match(shows: Sequence[str], low: Labels, high: Labels) -> PhaseMatch:
    if not shows:
        return PhaseMatch.by_index(len(low.phases), len(high.phases))
    return PhaseMatch.parse(parse_rules(shows), low.phases, high.phases)
