"""How good a generator is by what can be measured without truth: the image's statistics and the scan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.method import FusionInputs, TileInput
from mesofuse.interfaces.metric import Measurement, MetricContext
from mesofuse.registry import get_registry
from mesofuse.training.generator_model import GeneratorModel
from mesofuse.training.recipe import SelectionOptions
from mesofuse.training.sampling import FieldSampler, step_rng
from mesofuse.volumes.grid import AXES, Grid, Region
from mesofuse.volumes.intensity_statistics import IntensityStatistics, difference, statistics_of
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.mask import on_fine_grid
from mesofuse.volumes.phases import IGNORED

CHECK_STREAM = 200
LEAST_INSIDE = 0.5
"""Share of a checked part of the scan that is not ignored, at least."""
CONSISTENCY = "low-res-consistency all"


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes:
        error: What is minimised: the mean absolute relative error of all measured values against the image, plus the
            mean of the distances from the image (of metrics that compare with it themselves), plus the share of
            scan voxels that are not reproduced; of intensities
            `mesofuse.volumes.intensity_statistics.difference`.
        values: Measured values by ``metric label``.
        sample: The central slice of the first generated part, for previews.
    """

    error: float
    values: dict[str, float]
    sample: np.ndarray


class Selector:
    """Checks generators on fixed parts of the scan with fixed noise.

    Args:
        options: What to measure, on how much.
        inputs: The images, and the scan if there is one.
        degradation: Model of the scan's instrument, on the CPU.
        seed: Chooses the parts and the noise.
    """

    def __init__(
        self, options: SelectionOptions, inputs: FusionInputs, degradation: Degradation | None, seed: int
    ) -> None:
        self.inputs = inputs
        self.options = options
        self.degradation = degradation
        registry = get_registry()
        self.metrics = {name: registry.find("metric", name).build(None) for name in options.metrics}
        self.comparing = {name for name, metric in self.metrics.items() if metric.needs.images}
        self.fields = None
        if inputs.low_res is not None:
            able = all(metric.needs.masked for metric in self.metrics.values())
            sampler = FieldSampler(inputs.low_res, (options.window,) * 3, inside=LEAST_INSIDE if able else 1.0)
            self.fields = sampler.draw(options.parts, step_rng(seed, 0, CHECK_STREAM))
        self.seed = seed
        self.intensities: dict[str, IntensityStatistics] = {}
        if inputs.problem.content != "phases":
            if options.metrics:
                raise UserError(
                    f"The option selection.metrics names {options.metrics[0]!r}, which measures phases; leave it empty "
                    "for grey values and colours, whose histogram and variogram are compared."
                )
            self.intensities = {axes: statistics_of(image) for axes, image in inputs.groups.items()}
        self.target = self._image_values()

    def _image_values(self) -> dict[str, float]:
        """Return the images' own values; those of anisotropic material by the axis that the planes are normal to."""
        groups = self.inputs.groups
        if self.intensities:
            return {}
        found = {axes: self._measure(image.array, image.grid, None, stack=True) for axes, image in groups.items()}
        if len(groups) == 1:
            return next(iter(found.values()))
        return {f"{axis}: {k}": v for axes, values in found.items() for axis in axes for k, v in values.items()}

    def _measure(
        self, labels: np.ndarray, grid: Grid, field: np.ndarray | None, *, stack: bool = False
    ) -> dict[str, float]:
        problem = self.inputs.problem
        low = None if field is None else LabelArray(field, Grid(field.shape), problem.low_phases)
        context = MetricContext(
            grid,
            problem.phases,
            low_res=low,
            match=problem.match,
            scale=problem.scale,
            degradation=self.degradation,
            stack=stack,
            images=None if stack else dict(enumerate(self.inputs.images)),
            masked=bool((labels == IGNORED).any()),
        )
        values: dict[str, float] = {}
        for name, metric in self.metrics.items():
            if context.masked and not metric.needs.masked:
                raise UserError(
                    "The option selection.metrics names a metric that can't leave out ignored voxels "
                    f"({type(metric).__name__}); leave it out, or crop the image to what is material."
                )
            if metric.needs.low_res and (low is None or self.degradation is None):
                continue
            if metric.needs.images and stack:
                continue
            for result in metric.measure(labels, context):
                if metric.needs.images and result.metric != name:
                    continue  # what it says next to the distance, such as its floor
                if isinstance(result, Measurement) and math.isfinite(result.value):
                    values[f"{result.metric} {result.label}".strip()] = result.value
        return values

    def _values(self, labels: np.ndarray, field: np.ndarray | None) -> dict[str, float]:
        """Return a generated part's values, with the names that the images' values have."""
        values = self._measure(labels, Grid(labels.shape), field)
        if len(self.inputs.groups) == 1:
            return values
        for axis in self.inputs.axes:
            planes = np.moveaxis(labels, axis, 0)
            found = self._measure(planes, Grid(planes.shape), None, stack=True)
            values |= {f"{AXES[axis]}: {k}": v for k, v in found.items()}
        return values

    def check(self, model: GeneratorModel, step: int = 0) -> Check:
        """Generate the fixed parts and compare; with noise of its own at each step where the last model is kept."""
        fields = [None] * self.options.parts if self.fields is None else list(self.fields)
        fresh = step if self.options.keep == "last" else 0
        made = [self._generate(model, field, part + fresh * len(fields)) for part, field in enumerate(fields)]
        if self.intensities:
            return self._check_intensities(made)
        rows = [self._values(labels, field) for labels, field in zip(made, fields, strict=True)]
        values = {k: float(np.mean([row[k] for row in rows])) for k in rows[0]}
        distances = [v for k, v in values.items() if k.split(" ")[0] in self.comparing]
        error = relative_error(values, self.target) + float(np.mean(distances or 0.0))
        return Check(error, values, made[0][made[0].shape[0] // 2])

    def _check_intensities(self, made: Sequence[np.ndarray]) -> Check:
        """Compare generated parts, of which a colour image has a leading axis, with the images for their directions."""
        found = [statistics_of(LabelArray(part, Grid(part.shape[-3:]), ())) for part in made]
        whole = sum(found[1:], found[0])
        errors = []
        for letters, target in self.intensities.items():
            axes = [a for letter in letters for a in range(3) if AXES[a] != letter]
            errors.append(difference(whole, target, axes))
        values = {"mean": float(whole.mean.mean()), "standard-deviation": float(whole.deviation.mean())}
        middle = made[0].shape[-3] // 2
        return Check(float(np.mean(errors)), values, made[0][..., middle, :, :])

    def _generate(self, model: GeneratorModel, field: np.ndarray | None, part: int) -> np.ndarray:
        if field is None:
            # As many voxels as a check of a conditional model makes at scale 4.
            edges = tuple(max(1, round(4 * self.options.window / s)) for s in model.scale)
            core = Region.whole(edges)
            window = core.grown(model.halo)
        else:
            core = window = Region.whole(field.shape)
        rng = step_rng(self.seed, part, CHECK_STREAM + 1)
        noise = tuple(
            rng.standard_normal((spec.channels, *window.scaled(spec.factor).shape), dtype=np.float32)
            for spec in model.noise
        )
        tile = TileInput(core, window, core.shape, field, noise)
        made = model.reconstruct(tile).labels
        if field is None or not (field == IGNORED).any():
            return made
        return np.where(on_fine_grid(field == IGNORED, core, model.scale), np.uint8(IGNORED), made)


def relative_error(values: dict[str, float], target: dict[str, float]) -> float:
    """Return the mean |value / target − 1| over the values that the target has, plus the misses of shares without one.

    Values that the image shows less than once in a thousand are compared on that scale, so that a rare contact does not
    outweigh all others.
    """
    errors = [abs(values[k] - t) / max(abs(t), 1e-3) for k, t in target.items() if k in values]
    misses: Sequence[float] = [1.0 - v for k, v in values.items() if k not in target and k == CONSISTENCY]
    return float(np.mean(errors) if errors else 0.0) + float(sum(misses))
