"""A trained generator as a model that reconstructs tiles."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import torch

from mesofuse.interfaces.generator import Generator
from mesofuse.interfaces.method import TileInput, TileOutput
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Content, Problem
from mesofuse.training.recipe import LabelOptions
from mesofuse.training.sampling import one_hot
from mesofuse.volumes.grid import Scale, Triple

TILE_VOXELS = 64
"""Output voxels along the edge of a canonical tile, about; larger tiles recompute less halo and hold more memory."""


class GeneratorModel:
    """Wraps a generator in inference mode.

    Args:
        generator: A module that fulfils `mesofuse.interfaces.generator.Generator`.
        problem: What it was built for.
        labels: How a label follows from the probabilities. Drawn labels take one more noise field, ``labels``, a number
            a voxel of the result.

    Attributes:
        draws: Whether labels are drawn from the probabilities, rather than the likeliest phase being taken.
    """

    can_tile = True
    sees_ignored = True  # of no phase: all zeros, as beyond the volume's sides

    def __init__(self, generator: torch.nn.Module, problem: Problem, labels: LabelOptions | None = None) -> None:
        # The innermost axis holds the channels: convolutions of few channels run up to twice as fast so.
        self.module = generator.eval().requires_grad_(False).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.problem = problem
        made = cast(Generator, generator)
        self.scale: Scale = made.scale
        self.halo: Triple = made.halo
        self.draws = labels is not None and labels.choice == "drawn" and problem.content == "phases"
        self.power = labels.power if labels is not None and self.draws else 1.0
        self.noise: tuple[NoiseSpec, ...] = (*made.noise, *[NoiseSpec("labels", 1, self.scale)] * self.draws)
        self.activation_bytes = made.activation_bytes
        self.tile: Triple = tuple(canonical_edge(s) for s in self.scale)  # type: ignore[assignment]
        self.device = "cpu"

    def to(self, device: str) -> GeneratorModel:
        """Move to a device and return self."""
        self.module.to(device)
        self.device = device
        return self

    def reconstruct(self, tile: TileInput, *, probabilities: bool = False) -> TileOutput:
        """Run the generator on the tile's window for its core; the probabilities are those that labels are drawn by."""
        if tile.field is None:
            field = torch.zeros((1, 0, *tile.window.shape), device=self.device)
        else:
            field = one_hot(torch.tensor(tile.field, device=self.device)[None], len(self.problem.low_phases))
        layout = torch.channels_last_3d
        given = tile.noise[:-1] if self.draws else tile.noise
        noise = [torch.as_tensor(n, device=self.device)[None].contiguous(memory_format=layout) for n in given]
        with torch.inference_mode():
            made = self.module(field.contiguous(memory_format=layout), noise, tile.window, tile.core)[0]
            if self.draws:
                made = sharpened(made, self.power)
                own = tile.core.scaled(self.scale).within(tile.window.scaled(self.scale))
                labels = drawn(made, torch.as_tensor(tile.noise[-1][0][own], device=self.device)).cpu().numpy()
            else:
                labels = voxels(made, self.problem.content).cpu().numpy()
            return TileOutput(labels, made.cpu().numpy() if probabilities else None)

    def tile_bytes(self, window: Triple) -> int:
        """Return about how many bytes a window of this shape needs."""
        return math.prod(window) * self.activation_bytes

    def state(self) -> dict[str, np.ndarray]:
        """Return the weights and buffers."""
        return {k: v.detach().cpu().numpy() for k, v in self.module.state_dict().items()}

    def __getstate__(self) -> dict[str, Any]:
        """Return what a worker process needs; it takes the model to its own device."""
        return dict(self.__dict__)


def voxels(made: torch.Tensor, content: Content) -> torch.Tensor:
    """Return the uint8 voxels of what a generator made, (channels, z, y, x): the likeliest phase, or 255 times a value.

    Grey values lose their axis of channels.
    """
    if content == "phases":
        return made.argmax(0).to(torch.uint8)
    values = (255 * made.float()).round().clamp(0, 255).to(torch.uint8)
    return values[0] if content == "grey" else values


def sharpened(probabilities: torch.Tensor, power: float, axis: int = 0) -> torch.Tensor:
    """Return pᵏ / Σ pᵏ over the phases, which are on that axis."""
    return torch.softmax(power * probabilities.float().clamp(min=1e-12).log(), dim=axis)


def drawn(probabilities: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """Return uint8 labels that occur as often as their probabilities say.

    Args:
        probabilities: (phases, z, y, x), summing to 1 over the first axis.
        numbers: Standard normal numbers (z, y, x); their distribution function makes them uniform from 0 to 1.
    """
    edges = probabilities.cumsum(0)
    uniform = torch.special.ndtr(numbers).clamp(1e-30, 1 - 2**-24)  # or a phase of no probability might be drawn
    labels: torch.Tensor = (uniform * edges[-1] > edges[:-1]).sum(0)
    return labels.to(torch.uint8)


def canonical_edge(scale: float) -> int:
    """Return the edge of a canonical tile in scan voxels for a scale factor along that axis."""
    return max(4 if scale <= TILE_VOXELS / 4 else 1, round(TILE_VOXELS / scale))
