"""Applying a model package to a scan, or to noise: planned, refused where it does not fit, said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mesofuse.errors import UserError
from mesofuse.interfaces.events import Event, RunFinished
from mesofuse.models.package import Package
from mesofuse.models.provenance import hash_labels, versions
from mesofuse.pipeline.fit import announcing
from mesofuse.pipeline.output_size import DEFAULT_SIZE, noise_grid, takes_scan
from mesofuse.pipeline.projection import projected, summary
from mesofuse.streaming.output import check_output
from mesofuse.streaming.plan import check_fits, human_bytes, make_plan, sum_output
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.streaming.tiles import Tiling
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.store.volume import StoredVolume


def apply_model(
    package: Package,
    low_res: Labels | None,
    out: str,
    options: GenerateOptions,
    *,
    size: Triple | None = None,
    voxel_size: Scale | None = None,
    unit: str | None = None,
    project: bool = False,
    low_res_sha256: str | None = None,
    emit: Callable[[Event], None] = lambda event: None,
    say: Callable[[str], None] = lambda text: None,
) -> StoredVolume:
    """Plan and generate a volume, recording where it comes from.

    Args:
        package: The model.
        low_res: What it is applied to; None for a model that takes no scan.
        out: Path or URL of the zarr volume to write.
        options: How to store and run it.
        size: Voxels of the result of a model that takes no scan; None is 256³.
        voxel_size: Edge of its voxels; None: the image's that the model was trained on.
        unit: Its unit.
        project: Make the result reproduce the scan (see `mesofuse.streaming.projection`).
        low_res_sha256: Hash of the scan's voxels, where it is known already, so that the scan is not read for it again.
        emit: Takes the events.
        say: Takes a sentence at each stage.

    Raises:
        UserError: If the output may not be written or does not fit, or the model takes a scan and
            there is none, or the other way round; nothing is written or deleted then.
    """
    check_scan(package, low_res is not None, size)
    check_output(out, resume=options.resume, overwrite=options.overwrite)
    model = package.model.to(options.device)
    projection: dict[str, Any] | None = None
    if project:
        model, projection = projected(package, model)
    if low_res is None:
        size = size or DEFAULT_SIZE
        grid = noise_grid(package, size, options.periodic, voxel_size, unit)
        options = replace(options, region=options.region or Region.whole(size))
    else:
        grid = low_res.grid
    plan = make_plan(
        model, low_res, grid.shape, region=options.region, unit=options.shards or options.chunks,
        workers=options.workers, device=options.device, seed=options.seed, periodic=options.periodic,
    )  # fmt: skip
    check_fits(plan, out)
    say(
        f"Generating {' × '.join(map(str, plan.shape))} voxels in {plan.tiles} tiles, {plan.workers} at a time, "
        f"up to {human_bytes(plan.peak_bytes)} of memory"
    )
    provenance: dict[str, Any] = {
        "model": package.digest,
        "method": package.method,
        "versions": versions(),
        "projection": projection,
    }
    if low_res is not None:
        provenance["low_res_sha256"] = low_res_sha256 or hash_labels(low_res)
    announce = announcing(emit)
    volume = generate(model, low_res, grid, out, options, provenance=provenance, emit=announce, say=say)
    if project:
        tiling = Tiling.of(model, grid.shape, options.periodic)
        free = [model.problem.low_phases[i].name for i in projection["free"]] if projection else []
        say(summary(volume.provenance["totals"], sum_output(tiling, options.region or tiling.output), free))
    announce(RunFinished("generate", out))
    return volume


def check_scan(package: Package, given: bool, size: Triple | None) -> None:
    """Refuse a model without the scan that it takes, or with one that it does not take.

    Raises:
        UserError: If it is so, or a size is given to a model whose scan determines it.
    """
    name = package.path
    if takes_scan(package.model):
        if not given:
            raise UserError(f"The model {name} is applied to a scan, but none is given: name it.")
        if size is not None:
            raise UserError(
                f"The model {name} makes a volume as large as its scan: leave out --size, or give "
                "--region to make a part."
            )
    elif given:
        raise UserError(
            f"The model {name} makes volumes from noise alone and takes no scan: leave it out, and "
            "say how large the result is to be with --size."
        )
