"""What ``mesofuse measure`` is given: files, metrics with their options, and the scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mesofuse.cli import options, part_options
from mesofuse.errors import UserError, nearest
from mesofuse.volumes.grid import Grid, Scale

if TYPE_CHECKING:
    from mesofuse.evaluation.measure import MetricChoice
    from mesofuse.interfaces.degradation import Degradation
    from mesofuse.volumes.labels import Labels
    from mesofuse.volumes.mask import Ignore
    from mesofuse.volumes.phases import PhaseMatch
    from mesofuse.volumes.same_phases import Opened

DEFAULT = "volume-fraction,surface-area"


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
        """Whether a file is an image, or images, and so says nothing of the axis that they are normal to."""
        return self.stack or grid.shape[0] == 1


def open_all(
    paths: Sequence[str],
    phases: str | None,
    given: GivenSizes | None = None,
    *,
    ignore: Sequence[str] = (),
    crop: str | None = None,
    cropped: Sequence[str] = (),
) -> dict[str, Opened]:
    """Open all files so that a label means the same phase in each, and say what there is to say of them.

    Args:
        paths: The files.
        phases: Names of the phases by label.
        given: Sizes for files that state none.
        ignore: Values that are no material, in whichever of the files they occur.
        crop: The part to take of some of the files.
        cropped: These files.

    Raises:
        UserError: If a file can't be read, or nothing says which phase of one file is which of another.
    """
    from mesofuse.pipeline.inputs import open_labels
    from mesofuse.pipeline.sizes import on_grid
    from mesofuse.volumes.mask import check_found
    from mesofuse.volumes.same_phases import open_alike

    sizes = given or GivenSizes()

    wanted = part_options.parse(ignore, optional=True)

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
        options.echo_remarks(mapping, path)
    silent = [path for path, (volume, _) in files.items() if not volume.grid.known]
    for path in silent if len(silent) < len(files) else []:
        option = "--image-pixel-size" if sizes.image(files[path][0].grid) else "--voxel-size"
        options.echo_note(
            f"{path} states no voxel size: what counts voxels is compared as if they were as large as the others', "
            f"what has a unit is not compared; give {option}."
        )
    return files


def metric_choices(metrics: str | None, settings: Sequence[str], low_res: bool) -> list[MetricChoice]:
    """Return the metrics to measure with the options that ``--set`` gives them."""
    import yaml

    from mesofuse.config.yaml_text import load_yaml
    from mesofuse.registry import get_registry

    registry = get_registry()
    if metrics == "all":
        names = [c.spec.name for c in registry.components("metric")]
    else:
        names = [name.strip() for name in (metrics or DEFAULT).split(",") if name.strip()]
    if low_res and "low-res-consistency" not in names:
        names.append("low-res-consistency")
    given: dict[str, dict[str, Any]] = {name: {} for name in names}
    for setting in settings:
        key, equals, value = setting.partition("=")
        name, dot, option = key.strip().partition(".")
        if not (equals and dot):
            raise UserError(f"{setting!r} is not of the form METRIC.OPTION=VALUE, for example tortuosity.axes=[z].")
        if name not in given:
            raise UserError(f"--set names the metric {name!r}, which is not measured.{nearest(name, given)}")
        try:
            given[name][option] = load_yaml(value)
        except yaml.YAMLError:
            raise UserError(f"The value of {setting!r} can't be read; write it as in YAML: [z, y].") from None
    for name, chosen in given.items():
        registry.find("metric", name).options(chosen)
    return list(given.items())


def open_scan(
    path: str,
    name: str,
    opened: Opened,
    scale: Scale | None,
    shows: Sequence[str],
    degradation: str,
    ignore: Sequence[Ignore] = (),
) -> dict[str, Any]:
    """Open the scan ``path`` and build its degradation for the volume ``name``.

    Raises:
        UserError: If the scan can't be read, or nothing says how it goes with the volume.
    """
    from mesofuse.interfaces.problem import Problem
    from mesofuse.pipeline.inputs import open_labels
    from mesofuse.registry import get_registry
    from mesofuse.volumes.same_phases import check_shown_by_number
    from mesofuse.volumes.scale import seen_note, seen_region, shapes_differ

    volume, mapping = opened
    low, own = open_labels(path, ignore=ignore)
    options.echo_remarks(own, path)
    scale = _scale(scale, path, low.grid, name, volume.grid)
    if not shows:
        check_shown_by_number(path, own, mapping)
    shapes = volume.grid.shape, low.grid.shape
    if seen_region(*shapes, scale) is None:
        raise UserError(f"{name}: {shapes_differ(*shapes, scale)}")
    if note := seen_note(*shapes, scale):
        options.echo_note(f"{name}: {note}.")
    match = _match(shows, low, volume)
    built: Degradation = get_registry().find("degradation", degradation).build(
        None, Problem(scale, low.phases, volume.phases, match)
    )  # fmt: skip
    return {"low_res": low, "match": match, "scale": scale, "degradation": built}


def _scale(given: Scale | None, path: str, scan: Grid, name: str, fine: Grid) -> Scale:
    """Return the scale factor given, compared with what the voxel sizes give, or the latter."""
    from mesofuse.volumes.scale import derived, disagreement, quotient, scale_text, times
    from mesofuse.volumes.units import convert

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
        options.echo_note(f"the scale factor is {scale_text(found)}: {what}.")
        return found
    if text := disagreement(given, exact):
        options.echo_note(f"{what}, so {text}; leave out --scale to have the right one, or correct the files' sizes.")
    return given


def _match(shows: Sequence[str], low: Labels, high: Labels) -> PhaseMatch:
    from mesofuse.volumes.phases import PhaseMatch, parse_rules

    if not shows:
        return PhaseMatch.by_index(len(low.phases), len(high.phases))
    return PhaseMatch.parse(parse_rules(shows), low.phases, high.phases)
