"""Models, fitted to a pair or loaded from a package: they make volumes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesofuse.api import temporary
from mesofuse.api.volume import Given, Volume, VolumeLike, opened
from mesofuse.api.words import in_python, note
from mesofuse.models.package import Package, load_package
from mesofuse.pipeline.target import Opened, open_all
from mesofuse.volumes.files import check_free, replacing
from mesofuse.volumes.grid import AXES, parse_axes, parse_size

if TYPE_CHECKING:
    from mesofuse.pipeline.realisations import Realised
    from mesofuse.streaming.plan import Plan

Size = int | Sequence[int]
Part = str | slice | Sequence[slice]


@dataclass(frozen=True)
class Model:
    """A fitted method. `fit` and `load_model` give one.

    Attributes:
        package: Its package on disk.
    """

    package: Package

    @property
    def path(self) -> Path:
        """The package's folder."""
        return self.package.path

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.package.method

    @property
    def options(self) -> dict[str, Any]:
        """The method's options in full."""
        return self.package.options

    @property
    def provenance(self) -> dict[str, Any]:
        """What it was fitted to, when, for how long, and by which versions."""
        return self.package.provenance

    @property
    def scale(self) -> tuple[float, float, float]:
        """Voxels of a result along one scan voxel."""
        return self.package.model.scale

    @property
    def phases(self) -> tuple[str, ...]:
        """Names of the phases that it makes."""
        return tuple(phase.name for phase in self.package.model.problem.phases)

    @in_python
    def generate(
        self,
        scan: VolumeLike | None = None,
        *,
        seed: int = 0,
        out: str | Path | None = None,
        region: Part | None = None,
        size: Size | None = None,
        periodic: str = "",
        project: bool = False,
        chunks: int = 64,
        shards: int | None = None,
        workers: int | None = None,
        device: str = "auto",
        resume: bool = False,
        overwrite: bool = False,
        progress: bool = True,
    ) -> Volume:
        """Make a volume, tile by tile, so that it may be larger than memory; the bytes are those of the command line.

        Args:
            scan: What it is applied to; None for a model that makes volumes from noise alone.
            seed: Another seed gives another, equally valid result.
            out: Zarr volume to write (a folder or URL); None: a temporary one, which is gone when Python ends.
            region: Part to make, as slices along z, y and x in the result's voxels, or ``"0:64,:,:"``.
            size: Voxels of the result of a model without a scan, one number or three; None is 256.
            periodic: Axes along which the result's end continues into its start.
            project: Change the fewest, least certain voxels so that the result shows, degraded, what the scan shows.
            chunks: Edge of the output's chunks.
            shards: Edge of a file that bundles chunks; None: every chunk is a file.
            workers: Tiles in flight; None: one per core.
            device: ``cpu``, ``cuda``, ``cuda:N`` or ``auto``.
            resume: Make what is missing of an earlier attempt.
            overwrite: Replace what exists.
            progress: Show it.

        Raises:
            UserError: If the scan is not one for this model, or the result does not fit or may not be written.
        """
        from mesofuse.console.progress import ProgressPrinter
        from mesofuse.pipeline.generate import apply_model
        from mesofuse.streaming.run import GenerateOptions

        shape = voxels(size)
        where = str(out) if out is not None else str(temporary.folder("result")) + ".zarr"
        target = self._opened(scan, region, device, shape, parse_axes(periodic))
        options = GenerateOptions(
            seed, target.region, (chunks,) * 3, None if shards is None else (shards,) * 3, workers, target.device,
            resume=resume, overwrite=overwrite, periodic=parse_axes(periodic),
        )  # fmt: skip
        with ProgressPrinter(quiet=not progress) as bars:
            made = apply_model(
                target.package, target.low_res, where, options, size=shape, project=project, emit=bars.emit,
                say=bars.say,
            )  # fmt: skip
        return Volume(made, where)

    @in_python
    def plan(
        self,
        scan: VolumeLike | None = None,
        *,
        region: Part | None = None,
        size: Size | None = None,
        chunks: int = 64,
        workers: int | None = None,
        device: str = "auto",
    ) -> Plan:
        """Say how many tiles, how much memory, disk and time `generate` will take; one tile is computed to know.

        Raises:
            UserError: If the scan is not one for this model.
        """
        from mesofuse.streaming.plan import make_plan

        target = self._opened(scan, region, device, voxels(size), "")
        return make_plan(
            target.package.model.to(target.device), target.low_res, target.grid.shape, region=target.region,
            unit=(chunks,) * 3, workers=workers, device=target.device,
        )  # fmt: skip

    @in_python
    def realisations(
        self,
        scan: VolumeLike | None = None,
        *,
        count: int = 8,
        seed: int = 0,
        out: str | Path | None = None,
        metrics: Sequence[Any] | None = None,
        region: Part | None = None,
        size: Size | None = None,
        project: bool = False,
        workers: int | None = None,
        device: str = "auto",
        resume: bool = False,
        overwrite: bool = False,
        progress: bool = True,
    ) -> Realised:
        """Make several volumes of the same scan by different seeds, and measure how much they differ.

        Args:
            scan: See `generate`.
            count: How many.
            seed: That of the first; the others follow.
            out: Folder for the volumes, their summary (the most probable phase, ``probability``, ``entropy``) and
                tables; None: a temporary one.
            metrics: What to measure of each; None: the usual of such voxels.
            region: See `generate`.
            size: See `generate`.
            project: See `generate`.
            workers: See `generate`.
            device: See `generate`.
            resume: Make what is missing of an earlier attempt.
            overwrite: Replace what exists.
            progress: Show it.

        Raises:
            UserError: See `generate`.
        """
        from mesofuse.console.progress import ProgressPrinter
        from mesofuse.pipeline.measuring import OF_IMAGE
        from mesofuse.pipeline.realisations import realise
        from mesofuse.streaming.run import GenerateOptions

        shape = voxels(size)
        target = self._opened(scan, region, device, shape, "")
        options = GenerateOptions(
            seed, target.region, workers=workers, device=target.device, resume=resume, overwrite=overwrite
        )
        folder = Path(out) if out is not None else temporary.folder("realisations")
        chosen = OF_IMAGE[self.package.model.problem.content] if metrics is None else metrics
        with ProgressPrinter(quiet=not progress) as bars:
            return realise(
                target.package, target.low_res, folder, options, count=count, metrics=list(chosen), size=shape,
                project=project, emit=bars.emit, say=bars.say, watch=bars.step,
            )  # fmt: skip

    @in_python
    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the model's package to a folder: weights, options, provenance, a card for people, a self-test.

        Raises:
            UserError: If there is something already.
        """
        target = Path(path)
        check_free(target, overwrite)
        with replacing(target) as partial:
            shutil.copytree(self.path, partial)
        return target

    def __repr__(self) -> str:
        """Return method, scale, phases and digest in a line."""
        scale = " × ".join(f"{s:g}" for s in dict.fromkeys(self.scale))
        kind = f"scale factor {scale}" if self.package.model.problem.low_phases else "without a scan"
        made = ", ".join(self.phases) or f"{self.package.model.problem.content} values"
        return f"<model {self.package.digest[:12]} of {self.method}, {kind}: {made}>"

    def _repr_html_(self) -> str:
        """Return the model's card, for a notebook."""
        import html

        rows = {
            "method": self.method, "phases": ", ".join(self.phases), "digest": self.package.digest[:12],
            "trained": f"{self.provenance.get('seconds', 0):.0f} s, seed {self.provenance.get('seed')}",
            "package": str(self.path),
        }  # fmt: skip
        cells = "".join(
            f'<tr><th style="text-align:left">{k}</th><td style="text-align:left">{html.escape(v)}</td></tr>'
            for k, v in rows.items()
        )
        return f"<table>{cells}</table>"

    def _opened(
        self, scan: VolumeLike | None, region: Part | None, device: str, size: Any, periodic: str
    ) -> Opened:  # fmt: skip
        found = None if scan is None else opened(scan)
        given = Given() if found is None else found.given
        return open_all(
            self.package, None if found is None else found.path, device, _region(region), voxel_size=given.voxel_size,
            unit=given.unit, ignore=given.ignore, crop=given.crop, size=size, periodic=periodic, note=note,
        )  # fmt: skip


@in_python
def load_model(path: str | Path) -> Model:
    """Load a model package and check that it computes what it computed when it was saved.

    Raises:
        UserError: If it is missing, damaged, of an unknown method, or fails its self-test.
    """
    package = load_package(Path(path))
    if package.warning:
        note(package.warning)
    return Model(package)


def voxels(size: Size | None) -> Any:
    """Return a size as three numbers of voxels."""
    if size is None:
        return None
    return parse_size(str(size) if isinstance(size, int) else ",".join(map(str, size)))


def _region(region: Part | None) -> str | None:
    """Return a part as the command line writes it."""
    if region is None or isinstance(region, str):
        return region
    chosen = [region] if isinstance(region, slice) else list(region)
    chosen += [slice(None)] * (len(AXES) - len(chosen))
    return ",".join(f"{'' if s.start is None else s.start}:{'' if s.stop is None else s.stop}" for s in chosen)
