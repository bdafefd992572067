"""Random crops for training, drawn from uint8 labels; every draw depends on (seed, step, stream) alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse.volumes.labels import LabelArray, Labels


def step_rng(seed: int, step: int, stream: int) -> np.random.Generator:
    """Return the generator of one stream of one step: nothing has to be saved for a run to resume exactly."""
    return np.random.Generator(np.random.Philox(key=[seed & 0xFFFFFFFFFFFFFFFF, (step << 8) | stream]))


def torch_rng(seed: int, step: int, stream: int, device: str) -> torch.Generator:
    """Return `step_rng`'s twin on a torch device."""
    value = int(step_rng(seed, step, stream).integers(2**62))
    return torch.Generator(device=device).manual_seed(value)


def one_hot(labels: torch.Tensor, phases: int) -> torch.Tensor:
    """Return float32 one-hot phases on axis 1 for uint8 labels of shape (batch, *space)."""
    hot = functional.one_hot(labels.long(), phases)
    return hot.movedim(-1, 1).to(torch.float32).contiguous()


class FieldSampler:
    """Crops of the low-resolution volume.

    Args:
        low_res: The volume.
        window: Shape of a crop in its voxels; an axis shorter than that gives its whole length.
    """

    def __init__(self, low_res: Labels, window: Triple) -> None:
        self.low_res = low_res
        self.shape: Triple = tuple(min(w, n) for w, n in zip(window, low_res.grid.shape, strict=True))  # type: ignore[assignment]

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``count`` uint8 crops: (count, z, y, x)."""
        crops = []
        for _ in range(count):
            start = [int(rng.integers(n - w + 1)) for n, w in zip(self.low_res.grid.shape, self.shape, strict=True)]
            stop = [a + w for a, w in zip(start, self.shape, strict=True)]
            crops.append(self.low_res.read(Region(tuple(start), tuple(stop))))  # type: ignore[arg-type]
        return np.stack(crops)


class SliceSampler:
    """Square crops of an image stack, turned and mirrored at random where the plane allows it.

    Args:
        image: The stack (image, row, column).
        crop: Edge length of a crop in voxels.
        augment: Whether to apply one of the eight symmetries of the square.

    Raises:
        UserError: The image is smaller than a crop.
    """

    def __init__(self, image: LabelArray, crop: int, augment: bool) -> None:
        rows, columns = image.array.shape[1:]
        if min(rows, columns) < crop:
            raise UserError(
                f"The image has {rows} × {columns} pixels, but the critics of this method look at crops of {crop} × "
                f"{crop}: use a larger image."
            )
        self.image = image.array
        self.crop = crop
        self.augment = augment

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``count`` uint8 crops: (count, crop, crop)."""
        images, rows, columns = self.image.shape
        which = rng.integers(images, size=count)
        top = rng.integers(rows - self.crop + 1, size=count)
        left = rng.integers(columns - self.crop + 1, size=count)
        span = np.arange(self.crop)
        crops = self.image[which[:, None, None], (top[:, None] + span)[:, :, None], (left[:, None] + span)[:, None, :]]
        if self.augment:
            turn = rng.integers(8, size=count)
            crops = np.stack([_symmetry(c, int(t)) for c, t in zip(crops, turn, strict=True)])
        return np.asarray(crops)


def training_window(low_res: Labels, scale: Scale, window: int | None, crop: int, margin: int) -> Triple:
    """Return the low-resolution crop whose generated volume, its margin cut off, holds the critics' slices.

    Args:
        low_res: The low-resolution volume.
        scale: Generated voxels along one of its voxels.
        window: Edge that the user asks for, or None.
        crop: Edge of the critics' slices.
        margin: Generated voxels cut from every side.

    Raises:
        UserError: The volume, or the window asked for, is too small.
    """
    needed: Triple = tuple(math.ceil((crop + 2 * margin) / s - 1e-9) for s in scale)  # type: ignore[assignment]
    if window is not None and window < max(needed):
        raise UserError(
            f"The option batch.window is {window}, but critics that look at {crop} voxels need at least {max(needed)} "
            "low-resolution voxels; give that or more."
        )
    shape = low_res.grid.shape
    if any(n < k for n, k in zip(shape, needed, strict=True)):
        raise UserError(
            f"The low-resolution volume has the shape {shape}, but this method needs at least {needed} voxels to "
            f"train on at this scale factor: use a larger volume, or a smaller critic (such as --set critic.crop=16)."
        )
    return needed if window is None else (window,) * 3


def central(region: Region, shape: Triple) -> Region:
    """Return the middle part of a region, of this shape or the region's own where that is smaller."""
    start: Triple = tuple(a + max(0, n - k) // 2 for a, n, k in zip(region.start, region.shape, shape, strict=True))  # type: ignore[assignment]
    stop: Triple = tuple(min(b, a + k) for a, b, k in zip(start, region.stop, shape, strict=True))  # type: ignore[assignment]
    return Region(start, stop)


def _symmetry(crop: np.ndarray, which: int) -> np.ndarray:
    turned = np.rot90(crop, which % 4)
    return turned[:, ::-1] if which >= 4 else turned


def slices_of(volumes: torch.Tensor, axis: int, count: int | None, crop: int, rng: np.random.Generator) -> torch.Tensor:
    """Cut slices normal to an axis from generated volumes.

    Args:
        volumes: (batch, phases, z, y, x).
        axis: 0, 1 or 2.
        count: Random slices of each volume; None takes all.
        crop: Edge length of the slices; a random crop where the volume is larger.
        rng: Where the random choices come from.

    Returns:
        (slices, phases, crop, crop).
    """
    stack = volumes.movedim(2 + axis, 1)  # batch, slice, phases, h, w
    batch, depth, phases, height, width = stack.shape
    pick = np.arange(depth) if count is None or count >= depth else np.sort(rng.choice(depth, count, replace=False))
    top, left = int(rng.integers(height - crop + 1)), int(rng.integers(width - crop + 1))
    chosen = stack[:, torch.as_tensor(pick, device=volumes.device)][..., top : top + crop, left : left + crop]
    return chosen.reshape(batch * len(pick), phases, crop, crop)


def inner(volumes: torch.Tensor, margin: int) -> torch.Tensor:
    """Cut ``margin`` voxels from every side of (batch, phases, z, y, x)."""
    if margin == 0:
        return volumes
    return volumes[..., margin:-margin, margin:-margin, margin:-margin]


def draw_noise(shapes: Sequence[tuple[int, ...]], rng: torch.Generator, device: str) -> list[torch.Tensor]:
    """Return standard normal tensors of the given shapes."""
    return [torch.randn(shape, generator=rng, device=device) for shape in shapes]
