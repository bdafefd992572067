"""Interface of a metric: a labelled volume or image to named values with units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import numpy as np

from mesofuse.volumes.content import Content
from mesofuse.volumes.grid import Grid, Region, Scale, Triple
from mesofuse.volumes.labels import LabelArray, Labels
from mesofuse.volumes.phases import Phase, PhaseMatch

if TYPE_CHECKING:
    from mesofuse.interfaces.degradation import Degradation


@dataclass(frozen=True)
class Measurement:
    """One measured number.

    Attributes:
        metric: Name of the metric, for example ``surface-area``.
        label: What of: a phase, a pair of phases, an axis, for example ``pore | binder``; best as a
            `mesofuse.interfaces.quantity.Of`, which knows its parts.
        value: The number; NaN where it is not defined.
        unit: Its unit, as `mesofuse.volumes.quantities.power_unit` writes it; empty for a pure number.
        per_voxel: The value depends on the voxel size (a share of voxel faces, say), so that volumes of different voxel
            sizes must not be compared by it.
        reason: Why the value is NaN or infinite, a phrase such as ``the phase is absent``; empty for a number.
    """

    metric: str
    label: str
    value: float
    unit: str = ""
    per_voxel: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Curve:
    """A measured function, such as S2(r).

    Attributes:
        metric: Name of the metric.
        label: What of.
        x: Positions, increasing.
        y: Values, as many as ``x``.
        x_unit: Unit of ``x``.
        y_unit: Unit of ``y``.
        per_voxel: As in `Measurement`.
    """

    metric: str
    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    x_unit: str = ""
    y_unit: str = ""
    per_voxel: bool = False


def _unwatched(share: float) -> None:
    """Tell no one."""


@dataclass(frozen=True)
class MetricContext:
    """What a metric may need besides the labels.

    Attributes:
        grid: Grid of the whole volume that is measured.
        phases: Its phases.
        low_res: The scan that it was made from, or None.
        match: Which phases each scan phase shows, or None.
        scale: Voxels of this volume along one scan voxel, or None without a scan.
        degradation: The model of the instrument that made the scan, built and in evaluation mode, or None.
        stack: Axis 0 numbers separate images; it is no direction, and nothing may be counted or joined along it.
        images: For each axis, the image stack (image, row, column) that shows planes normal to it; or None. What is
            itself planar is compared with that of axis 0.
        progress: Takes the share of its work that a metric has done, 0 to 1; one that takes long calls it.
        masked: Whether there are voxels of the label `mesofuse.volumes.phases.IGNORED`, which are no material. Only a
            metric whose `Needs` say ``masked`` meets them.
        content: What the voxels hold. Only a metric whose options' ``contents`` have it meets grey values or colours.
    """

    grid: Grid
    phases: tuple[Phase, ...]
    low_res: Labels | None = None
    match: PhaseMatch | None = None
    scale: Scale | None = None
    degradation: Degradation | None = None
    stack: bool = False
    images: Mapping[int, LabelArray] | None = None
    progress: Callable[[float], None] = _unwatched
    masked: bool = False
    content: Content = "phases"

    @property
    def planar(self) -> bool:
        """Whether there is an image, or a stack of them, rather than a volume."""
        return self.stack or self.grid.shape[0] == 1


@dataclass(frozen=True)
class Block:
    """A piece of a volume, for metrics that add up over pieces.

    Attributes:
        labels: uint8 labels of ``window``; or intensities, those of colours with a leading axis of 3.
        core: The voxels that this piece owns; the cores of all pieces tile the volume.
        window: The core with up to ``reach`` voxels more on each side, ending where the volume ends.
        context: The whole volume's context.
    """

    labels: np.ndarray
    core: Region
    window: Region
    context: MetricContext

    @property
    def own(self) -> np.ndarray:
        """The labels of the core alone."""
        own: np.ndarray = self.labels[(..., *self.core.within(self.window))]
        return own


@dataclass(frozen=True)
class Needs:
    """What a metric needs of its input.

    Attributes:
        three_d: It has no meaning for a single image.
        low_res: It needs the scan, its matching and a degradation.
        images: It compares with the images.
        min_phases: With fewer phases there is nothing to measure.
        max_phases: It takes no more phases.
        bytes_per_voxel: Peak memory of `Metric.measure`, for metrics that take the whole volume.
        masked: It leaves ignored voxels out, as it does what lies beyond the volume's sides; without it a volume that
            has some is refused.
    """

    three_d: bool = False
    low_res: bool = False
    images: bool = False
    min_phases: int = 1
    max_phases: int = 255
    bytes_per_voxel: int = 8
    masked: bool = False


Result = Measurement | Curve


@runtime_checkable
class Metric(Protocol):
    """A metric; built as ``Class(options)``. Its docstring states formula, convention, unit and source."""

    needs: ClassVar[Needs]

    def measure(self, labels: np.ndarray, context: MetricContext) -> list[Result]:
        """Measure a whole volume (z, y, x) of uint8 labels held in memory; or of intensities, colours (3, z, y, x)."""
        ...


class AdditiveMetric:
    """Base of a metric whose counts add up over pieces of a volume, so that it streams.

    Supply `count` and `finish`; `measure` follows, and equals the streamed value exactly because counts are integers or
    are summed in a fixed order.

    Attributes:
        align: Whether pieces must be whole scan voxels (for metrics that compare with the scan).
    """

    needs: ClassVar[Needs] = Needs()
    align: ClassVar[bool] = False

    def reach(self, context: MetricContext) -> Triple:
        """Return how many voxels beyond a piece's own `count` looks at (z, y, x)."""
        return (0, 0, 0)

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Return named counts of one piece; the sum over all pieces describes the volume."""
        raise NotImplementedError

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Turn the summed counts into values."""
        raise NotImplementedError

    def measure(self, labels: np.ndarray, context: MetricContext) -> list[Result]:
        """Measure a whole volume held in memory: its counts as one piece, finished."""
        region = Region.whole(labels.shape[-3:])
        return self.finish(self.count(Block(labels, region, region, context)), context)


@dataclass
class Measured:
    """All results of one volume.

    Attributes:
        volume: How the volume is called.
        grid: The grid that was measured.
        results: What was measured.
        skipped: Metric name to the reason why it was not measured.
    """

    volume: str
    grid: Grid
    results: list[Result] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
