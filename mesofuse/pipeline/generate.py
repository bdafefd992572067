"""Applying a model package to a low-resolution volume: planned, refused where it does not fit, and said what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mesofuse.interfaces.events import Event, RunFinished
from mesofuse.models.package import Package
from mesofuse.models.provenance import hash_labels, versions
from mesofuse.pipeline.fit import announcing
from mesofuse.streaming.output import check_output
from mesofuse.streaming.plan import check_fits, human_bytes, make_plan
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.store import LabelVolume


def apply_model(
    package: Package,
    low_res: Labels,
    out: str,
    options: GenerateOptions,
    *,
    emit: Callable[[Event], None] = lambda event: None,
    say: Callable[[str], None] = lambda text: None,
) -> LabelVolume:
    """Plan and generate a volume, recording where it comes from.

    Args:
        package: The model.
        low_res: What it is applied to.
        out: Path or URL of the zarr volume to write.
        options: How to store and run it.
        emit: Takes the events.
        say: Takes a sentence at each stage.

    Raises:
        UserError: The output may not be written or does not fit; nothing is written or deleted then.
    """
    check_output(out, resume=options.resume, overwrite=options.overwrite)
    model = package.model.to(options.device)
    plan = make_plan(
        model, low_res, low_res.grid.shape, region=options.region, unit=options.shards or options.chunks,
        workers=options.workers, device=options.device, seed=options.seed,
    )  # fmt: skip
    check_fits(plan, out)
    say(
        f"Generating {' × '.join(map(str, plan.shape))} voxels in {plan.tiles} tiles, {plan.workers} at a time, "
        f"up to {human_bytes(plan.peak_bytes)} of memory"
    )
    provenance: dict[str, Any] = {
        "model": package.digest,
        "method": package.method,
        "low_res_sha256": hash_labels(low_res),
        "versions": versions(),
    }
    announce = announcing(emit)
    volume = generate(
        model, low_res, low_res.grid, out, options, provenance=provenance, emit=announce, say=say
    )  # fmt: skip
    announce(RunFinished("generate", out))
    return volume
