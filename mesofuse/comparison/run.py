"""A comparison: what is missing is made, each in its own process; all is measured alike; nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mesofuse.comparison.columns import (
    CONSISTENCY,
    IMAGE,
    REFERENCE,
    Bench,
    Progress,
    placed_image,
    result_voxels,
)
from mesofuse.comparison.compared import Compared
from mesofuse.comparison.entry import COMPARISON, VOLUME, Usage, entry_takes_scan, make_volume, read_usage
from mesofuse.comparison.table import ComparisonTable
from mesofuse.config.comparison import METRICS, ComparisonConfig, Entry, dump_comparison, load_comparison
from mesofuse.config.places import INPUTS, other_inputs
from mesofuse.errors import UserError
from mesofuse.evaluation.compare import same_voxels
from mesofuse.evaluation.comparison import lines
from mesofuse.evaluation.measure import unmeasurable
from mesofuse.evaluation.subvolumes import positions
from mesofuse.pipeline.inputs import JobInputs, open_inputs, open_labels, scaled
from mesofuse.volumes.described import Described
from mesofuse.volumes.files import check_free, remove, replacing, tidy
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.json_text import load_json
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.lock import alone
from mesofuse.volumes.same_phases import Opened, open_alike, unnamed
from mesofuse.volumes.scale import times
from mesofuse.volumes.store.labels import LabelVolume

HASHES = "inputs.json"
TABLE_CSV, TABLE_JSON = "comparison.csv", "comparison.json"


def prepare_comparison(out: Path, config: ComparisonConfig, hashes: dict[str, str], *, overwrite: bool) -> None:
    """Make the folder of a comparison, or check that the existing one may be resumed.

    Methods, metrics and the number of subvolumes may change from one call to the next; what the volumes are made from
    may not.

    Raises:
        UserError: If it is another thing's folder, or of a comparison with other inputs, budget, seed or options.
    """
    file = out / COMPARISON
    check_free(out, overwrite=True)
    if out.exists() and not file.exists() and (not out.is_dir() or any(map(_is_strange, out.iterdir()))):
        raise UserError(f"{out} exists and is not the folder of a comparison; give another --out.")
    if overwrite and out.exists():
        remove(out)
    if file.exists():
        before = load_comparison(file)
        recorded = _read_hashes(out)
        free = _FREE | (set(INPUTS) if recorded is not None else set())  # files may have been moved
        shared = [key for key in before.model_fields_set | config.model_fields_set if key not in free]
        differing = sorted(key for key in shared if getattr(before, key) != getattr(config, key))
        known = {entry.name: entry for entry in before.compare}
        begun = [entry for entry in config.compare if (out / entry.name).exists()]
        differing += [entry.name for entry in begun if not _same_entry(known.get(entry.name, entry), entry)]
        differing += [] if recorded in (None, hashes) else ["the voxels of the input files"]
        if differing:
            raise UserError(
                f"The comparison in {out} was begun otherwise ({', '.join(differing)} differ); give the same to go on "
                "with it, --overwrite to start anew, or another --out."
            )
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / HASHES) as temporary:
        temporary.write_text(json.dumps(hashes, indent=2) + "\n", encoding="utf-8")
    with replacing(file) as temporary:
        temporary.write_text(dump_comparison(config, out), encoding="utf-8")


def _is_strange(path: Path) -> bool:
    """Return whether a file is none that a comparison, killed before its configuration was written, leaves."""
    return path.name != HASHES and not path.name.startswith(".")


def _same_entry(before: Entry, entry: Entry) -> bool:
    """Return whether an entry is what it was; a ready volume may lie elsewhere, as it is kept by its voxels."""
    moved = {"volume": entry.volume} if before.volume and entry.volume else {}
    return before.model_copy(update=moved) == entry


def _read_hashes(out: Path) -> Any:
    try:
        return load_json((out / HASHES).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None


_FREE = {"compare", "reference", "metrics", "subvolumes", "size", "judge", "degradation", "device"}


def compare(
    config: ComparisonConfig,
    out: Path,
    *,
    overwrite: bool = False,
    workers: int = 1,
    quiet: bool = False,
    say: Callable[[str], None] = lambda text: None,
    progress: Progress = lambda name, done, total: None,
) -> Compared:
    """Run a comparison in the folder ``out`` and write its table there as CSV and JSON.

    Args:
        config: What to compare, resolved.
        out: Its folder; an existing one is resumed.
        overwrite: Start anew.
        workers: Processes that measure.
        quiet: The processes that fit and generate show no progress.
        say: Takes a sentence at each stage.
        progress: Takes the name of the volume measured, subvolumes done and of all.

    Raises:
        UserError: If the inputs don't fit each other or an entry; nothing of that entry is left.
    """
    inputs = open_inputs(config)
    config = scaled(config, inputs)
    for note in inputs.notes:
        say(f"Note: {note}")
    ready = _open_all(config, inputs, say)
    made = made_grid(config, inputs, ready)
    grids = _grids(config, inputs, ready, made)
    for name, grid in grids.items():
        _check_room(name, grid, config)
    _check_metrics(config, inputs, [grid for name, grid in grids.items() if name.split()[0] != IMAGE])
    with alone(out, lambda: say(f"Another run is at work in {out}; waiting for it to end.")) as held:
        prepare_comparison(out, config, inputs.hashes, overwrite=overwrite)
        if held:
            for folder in [out, *(p for p in out.iterdir() if p.is_dir())]:
                tidy(folder)
        bench = Bench(config, inputs, out, _scanless(config), workers, say, progress)
        compared = _compared(bench, ready, made, lambda entry, grid: make_volume(out, entry, grid.shape, quiet=quiet))
        _write_tables(compared, out)
        return compared


def reopen(
    config: ComparisonConfig,
    out: Path,
    *,
    workers: int = 1,
    say: Callable[[str], None] = lambda text: None,
    progress: Progress = lambda name, done, total: None,
) -> Compared:
    """Return what a finished comparison in the folder ``out`` made and measured; what it lacks is measured.

    Raises:
        UserError: If a volume was not made yet, or the inputs are not those of the comparison.
    """
    missing = [e.name for e in config.compare if e.volume is None and not read_usage(out / e.name).finished]
    if missing:
        raise UserError(f"The comparison in {out} is not finished ({missing[0]} is missing); run `mesofuse compare`.")
    inputs = open_inputs(config)
    config = scaled(config, inputs)
    if other := other_inputs(inputs.hashes, _read_hashes(out)):
        raise UserError(f"The inputs are not those that {out} was made from: {other} has other voxels.")
    ready = _open_all(config, inputs, say)
    bench = Bench(config, inputs, out, _scanless(config), workers, say, progress)
    return _compared(bench, ready, made_grid(config, inputs, ready), lambda entry, grid: read_usage(out / entry.name))


def _open_all(config: ComparisonConfig, inputs: JobInputs, say: Callable[[str], None]) -> dict[str, Labels]:
    """Return the volumes that exist already, and the reference, by name."""
    ready = {e.name: open_ready(e.volume, inputs, say) for e in config.compare if e.volume is not None}
    if config.reference is not None:
        ready[REFERENCE] = open_ready(config.reference, inputs, say)
    return ready


def _scanless(config: ComparisonConfig) -> set[str]:
    """Return the entries that are made without the scan although there is one."""
    return {e.name for e in config.compare if config.low_res is not None and not entry_takes_scan(config, e)}


def _compared(
    bench: Bench, ready: dict[str, Labels], made: Grid | None, make: Callable[[Entry, Grid], Usage]
) -> Compared:
    """Make and measure what is compared.

    Args:
        bench: Where it is measured.
        ready: The volumes that exist already.
        made: Grid of those that are made, or None.
        make: Makes the volume of an entry on a grid.
    """
    config, inputs, out, say = bench.config, bench.inputs, bench.folder, bench.say
    labels: dict[str, Labels] = {REFERENCE: ready[REFERENCE]} if REFERENCE in ready else {}
    labels[IMAGE] = placed_image(inputs)
    usage = {}
    for entry in config.compare:
        if entry.volume is None and made is not None:
            if read_usage(out / entry.name).finished:
                say(f"{entry.name}: made before")
            usage[entry.name] = make(entry, made)
            labels[entry.name] = LabelVolume.open(out / entry.name / VOLUME)
        else:
            labels[entry.name] = ready[entry.name]
    columns = bench.measure_all(labels)
    return Compared(tuple(columns), tuple(lines(columns, columns[0])), usage, labels, bench)


def open_ready(path: str, inputs: JobInputs, say: Callable[[str], None] = lambda text: None) -> Labels:
    """Open a volume that exists already, with the image's phases and, where it has none, the voxels of a result.

    Raises:
        UserError: If it is no volume, or its phases are not, or not surely, the image's.
    """
    names = [p.name for p in inputs.problem.phases]
    volume, mapping = open_labels(path, allow_single_phase=True)
    if unnamed(volume):

        def read(name: str, given: Sequence[str]) -> Opened:
            return open_labels(name, phase_names=given, allow_single_phase=True)

        image = {} if inputs.names else {inputs.image_name: (inputs.image, inputs.mappings[inputs.image_name])}
        volume, mapping = open_alike([path], read, inputs.names, beside=image)[path]
    found = [p.name for p in volume.phases]
    if found != names:
        raise UserError(
            f"{path} has the phases {', '.join(found)}, but the image has {', '.join(names)}; name and order them "
            "alike."
        )
    for remark in mapping.remarks(path):
        say(f"Note: {remark}")
    if min(volume.grid.shape) < 2 and inputs.fusion.axes != (0,):
        raise UserError(f"{path} is a 2D image of shape {volume.grid.shape}; a comparison is of volumes.")
    expected = result_voxels(inputs)
    if not volume.grid.known:  # the voxels of a result, also where these are but parts of a scan's voxel
        grid = replace(volume.grid, voxel_size=expected.voxel_size, unit=expected.unit)
        return Described.of(volume, grid)
    if expected.known and not same_voxels(volume.grid, replace(expected, shape=volume.grid.shape)):
        say(
            f"Note: the voxels of {path} are {times(volume.grid.voxel_size)} {volume.grid.symbol}, those of a result "
            f"{times(expected.voxel_size)} {expected.symbol}: values that depend on the voxel size are not compared"
        )
    return volume


def made_grid(config: ComparisonConfig, inputs: JobInputs, ready: dict[str, Labels]) -> Grid | None:
    """Return the grid of the volumes that are made: the scan's, refined; else the reference's or first volume's.

    Raises:
        UserError: If something is to be made, but nothing says how large.
    """
    if inputs.low_res is not None:
        return result_voxels(inputs)
    if all(entry.volume is not None for entry in config.compare):
        return None
    first = ready.get(REFERENCE) or next(iter(ready.values()), None)
    if first is None:
        raise UserError(
            "Without a scan nothing says how large the volumes shall be: give --low-res and --scale, "
            "or a volume of the size wanted with --reference or --volume."
        )
    return first.grid


def _grids(config: ComparisonConfig, inputs: JobInputs, ready: dict[str, Labels], made: Grid | None) -> dict[str, Grid]:
    grids = {entry.name: made for entry in config.compare if entry.volume is None and made is not None}
    groups = inputs.fusion.groups
    images = {IMAGE if len(groups) == 1 else f"{IMAGE} {axes}": image.grid for axes, image in groups.items()}
    return {**images, **{name: volume.grid for name, volume in ready.items()}, **grids}


def _check_metrics(config: ComparisonConfig, inputs: JobInputs, grids: Sequence[Grid]) -> None:
    """Refuse a metric that was asked for by name and that no volume is fit for.

    Raises:
        UserError: If there is one.
    """
    if config.metrics == METRICS:
        return
    asked = [m for m in config.metric_choices if inputs.low_res is None or CONSISTENCY not in (m, m[0])]
    parts = [grid.cropped(positions(grid, size=config.size, count=1)[0]) for grid in grids]
    images = dict(enumerate(inputs.images))
    found = [unmeasurable(part, inputs.problem.phases, asked, images=images) for part in parts]
    for name, why in found[0].items() if found else ():
        if all(name in reasons for reasons in found):
            raise UserError(f"The metric {name!r} can't be measured: {why[:1].lower()}{why[1:]} Leave it out.")


def _check_room(name: str, grid: Grid, config: ComparisonConfig) -> None:
    image = name.split()[0] == IMAGE
    try:
        positions(grid, size=config.size, count=1, stack=image)
    except UserError:
        what = name if image else f"volume of {name!r}"
        raise UserError(
            f"The {what} has the shape {grid.shape}, which holds no part of {config.size} voxels a side; choose a "
            "smaller size of subvolumes (--size)."
        ) from None


def _write_tables(compared: Compared, out: Path) -> None:
    table = ComparisonTable(compared)
    data = json.dumps(table.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    for name, text in ((TABLE_JSON, data), (TABLE_CSV, table.to_csv())):
        with replacing(out / name) as temporary:
            temporary.write_text(text, "utf-8")
