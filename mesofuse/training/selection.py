"""How good a generator is by what can be measured without truth: the image's statistics and the scan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.method import FusionInputs, TileInput
from mesofuse.interfaces.metric import Measurement, MetricContext
from mesofuse.registry import get_registry
from mesofuse.training.generator_model import GeneratorModel
from mesofuse.training.recipe import SelectionOptions
from mesofuse.training.sampling import FieldSampler, step_rng
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray

CHECK_STREAM = 200


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes:
        error: What is minimised: the mean absolute relative error of all measured values against the image, plus the
            share of low-resolution voxels that are not reproduced.
        values: Measured values by ``metric label``.
        sample: The central slice of the first generated part, for previews.
    """

    error: float
    values: dict[str, float]
    sample: np.ndarray


class Selector:
    """Checks generators on fixed parts of the low-resolution volume with fixed noise.

    Args:
        options: What to measure, on how much.
        inputs: The images and the low-resolution volume.
        degradation: Model of the low-resolution instrument, on the CPU.
        seed: Chooses the parts and the noise.
    """

    def __init__(
        self, options: SelectionOptions, inputs: FusionInputs, degradation: Degradation | None, seed: int
    ) -> None:
        assert inputs.low_res is not None
        self.inputs = inputs
        self.options = options
        self.degradation = degradation
        registry = get_registry()
        self.metrics = [registry.find("metric", name).build(None) for name in options.metrics]
        sampler = FieldSampler(inputs.low_res, (options.window,) * 3)
        self.fields = sampler.draw(options.parts, step_rng(seed, 0, CHECK_STREAM))
        self.seed = seed
        self.target = self._image_values()

    def _image_values(self) -> dict[str, float]:
        """Return the images' own values, averaged over the distinct images."""
        stacks = list({id(image): image for image in self.inputs.images}.values())
        rows = [self._measure(stack.array, stack, None) for stack in stacks]
        return {k: float(np.mean([row[k] for row in rows])) for k in rows[0]} if rows else {}

    def _measure(self, labels: np.ndarray, like: LabelArray, field: np.ndarray | None) -> dict[str, float]:
        problem = self.inputs.problem
        low = None if field is None else LabelArray(field, Grid(field.shape), problem.low_phases)
        context = MetricContext(
            like.grid,
            problem.phases,
            low_res=low,
            match=problem.match,
            scale=problem.scale,
            degradation=self.degradation,
            stack=field is None,
        )
        values: dict[str, float] = {}
        for metric in self.metrics:
            if metric.needs.low_res and (low is None or self.degradation is None):
                continue
            for result in metric.measure(labels, context):
                if isinstance(result, Measurement) and math.isfinite(result.value):
                    values[f"{result.metric} {result.label}".strip()] = result.value
        return values

    def check(self, model: GeneratorModel) -> Check:
        """Generate the fixed parts and compare."""
        made = [self._generate(model, field, part) for part, field in enumerate(self.fields)]
        rows = []
        for labels, field in zip(made, self.fields, strict=True):
            grid = Grid(labels.shape)
            rows.append(self._measure(labels, LabelArray(labels, grid, self.inputs.problem.phases), field))
        values = {k: float(np.mean([row[k] for row in rows])) for k in rows[0]}
        return Check(relative_error(values, self.target), values, made[0][made[0].shape[0] // 2])

    def _generate(self, model: GeneratorModel, field: np.ndarray, part: int) -> np.ndarray:
        region = Region.whole(field.shape)
        rng = step_rng(self.seed, part, CHECK_STREAM + 1)
        noise = tuple(
            rng.standard_normal((spec.channels, *region.scaled(spec.factor).shape), dtype=np.float32)
            for spec in model.noise
        )
        return model.reconstruct(TileInput(region, region, region.shape, field, noise)).labels


def relative_error(values: dict[str, float], target: dict[str, float]) -> float:
    """Return the mean |value / target − 1| over the values that the target has, plus the misses of shares without one.

    Values that the image shows less than once in a thousand are compared on that scale, so that a rare contact does not
    outweigh all others.
    """
    errors = [abs(values[k] - t) / max(abs(t), 1e-3) for k, t in target.items() if k in values]
    misses: Sequence[float] = [1.0 - v for k, v in values.items() if k not in target and k == "low-res-consistency"]
    return float(np.mean(errors) if errors else 0.0) + float(sum(misses))
