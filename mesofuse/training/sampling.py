"""Random crops for training, drawn from uint8 voxels; every draw depends on (seed, step, stream) alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from mesofuse.errors import UserError
from mesofuse.interfaces.problem import Problem
from mesofuse.training.recipe import Symmetry
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse.volumes.labels import LabelArray, Labels, is_masked
from mesofuse.volumes.patterns import TURNS
from mesofuse.volumes.phases import IGNORED


def step_rng(seed: int, step: int, stream: int) -> np.random.Generator:
    """Return the generator of one stream of one step: nothing has to be saved for a run to resume exactly."""
    return np.random.Generator(np.random.Philox(key=[seed & 0xFFFFFFFFFFFFFFFF, (step << 8) | stream]))


def torch_rng(seed: int, step: int, stream: int, device: str) -> torch.Generator:
    """Return `step_rng`'s twin on a torch device."""
    value = int(step_rng(seed, step, stream).integers(2**62))
    return torch.Generator(device=device).manual_seed(value)


def one_hot(labels: torch.Tensor, phases: int) -> torch.Tensor:
    """Return float32 one-hot phases on axis 1 for uint8 labels of shape (batch, *space); ignored voxels have none."""
    ignored = labels == IGNORED
    hot = functional.one_hot(labels.masked_fill(ignored, 0).long(), phases)
    return hot.masked_fill(ignored[..., None], 0).movedim(-1, 1).to(torch.float32).contiguous()


def to_channels(crops: torch.Tensor, problem: Problem) -> torch.Tensor:
    """Return float32 (batch, channels, h, w) of a problem's uint8 crops: phases one-hot, intensities over 255."""
    if problem.content == "phases":
        return one_hot(crops, len(problem.phases))
    return (crops[:, None] if problem.content == "grey" else crops).to(torch.float32) / 255


class FieldSampler:
    """Crops of the scan.

    Args:
        low_res: The volume.
        window: Shape of a crop in its voxels; an axis shorter than that gives its whole length.
        core: Shape of the middle part of a crop that is judged; None is all of it.
        inside: Share of that part's voxels, at least, that are not ignored.

    Raises:
        UserError: If no crop has so many.
    """

    def __init__(self, low_res: Labels, window: Triple, core: Triple | None = None, inside: float = 1.0) -> None:
        self.low_res, self.inside = low_res, inside
        self.shape: Triple = tuple(min(w, n) for w, n in zip(window, low_res.grid.shape, strict=True))  # type: ignore[assignment]
        self.core = central(Region.whole(self.shape), core or self.shape)
        if is_masked(low_res):
            self.draw(1, step_rng(0, 0, 0))

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``count`` uint8 crops: (count, z, y, x)."""
        return np.stack([self._one(rng) for _ in range(count)])

    def _one(self, rng: np.random.Generator) -> np.ndarray:
        for _ in range(TRIES if is_masked(self.low_res) else 1):
            start = [int(rng.integers(n - w + 1)) for n, w in zip(self.low_res.grid.shape, self.shape, strict=True)]
            stop = [a + w for a, w in zip(start, self.shape, strict=True)]
            crop = self.low_res.read(Region(tuple(start), tuple(stop)))  # type: ignore[arg-type]
            if not is_masked(self.low_res):
                return crop
            if np.count_nonzero(crop[self.core.slices] != IGNORED) >= self.inside * self.core.size:
                return crop
        much = "free of ignored voxels" if self.inside == 1 else f"of which {self.inside:.0%} are not ignored"
        raise UserError(
            f"The scan has no part of {' × '.join(map(str, self.core.shape))} voxels {much} (none in "
            f"{TRIES:,} random ones), which this method trains on: ignore less of it, or use smaller crops "
            f"({SMALLER})."
        )


TRIES = 2000
"""Random parts of a volume with ignored voxels that are looked at for one that is free of them."""
SMALLER = "--set critic.crop=16, or --set batch.patch=16 where there is no critic"


class SliceSampler:
    """Square crops of an image stack, turned and mirrored at random where the plane allows it.

    Args:
        image: The stack (image, row, column), of colours with their leading axis.
        crop: Edge length of a crop in voxels.
        symmetry: Which symmetries are applied.

    Raises:
        UserError: If the image is smaller than a crop, or has no crop without ignored pixels.
    """

    def __init__(self, image: LabelArray, crop: int, symmetry: Symmetry) -> None:
        rows, columns = image.array.shape[-2:]
        if min(rows, columns) < crop:
            raise UserError(
                f"The image has {rows} × {columns} pixels, but this method looks at crops of {crop} × "
                f"{crop}: use a larger image."
            )
        self.image = image.array
        self.crop = crop
        self.turns = TURNS[symmetry]
        self.free = _free_places(self.image == IGNORED, crop) if is_masked(image) else None
        if self.free is not None and not len(self.free):
            raise UserError(
                f"The image has no part of {crop} × {crop} pixels free of ignored ones, which this method looks at: "
                f"ignore less of it, or use a larger image or smaller crops ({SMALLER})."
            )

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``count`` uint8 crops: (count, crop, crop), of colours (count, 3, crop, crop)."""
        images, rows, columns = self.image.shape[-3:]
        if self.free is None:
            which = rng.integers(images, size=count)
            top = rng.integers(rows - self.crop + 1, size=count)
            left = rng.integers(columns - self.crop + 1, size=count)
        else:
            chosen = self.free[rng.integers(len(self.free), size=count)]
            which, top, left = np.unravel_index(
                chosen, (images, rows - self.crop + 1, columns - self.crop + 1)
            )  # fmt: skip
        span = np.arange(self.crop)
        place = which[:, None, None], (top[:, None] + span)[:, :, None], (left[:, None] + span)[:, None, :]
        crops = np.moveaxis(self.image[(..., *place)], -3, 0)
        if len(self.turns) > 1:
            turn = rng.choice(self.turns, size=count)
            crops = np.stack([_symmetry(c, int(t)) for c, t in zip(crops, turn, strict=True)])
        return np.asarray(crops)


def _free_places(ignored: np.ndarray, crop: int) -> np.ndarray:
    """Return where, as flat indices of (image, top, left), crops of a stack hold no ignored pixel."""
    sums = (
        np.pad(ignored.astype(np.int32), ((0, 0), (1, 0), (1, 0))).cumsum(1, dtype=np.int32).cumsum(2, dtype=np.int32)
    )
    held = sums[:, crop:, crop:] - sums[:, :-crop, crop:] - sums[:, crop:, :-crop] + sums[:, :-crop, :-crop]
    return np.flatnonzero(held == 0)


def plane_axes(normals: Sequence[int]) -> set[int]:
    """Return the axes that lie in any of the planes normal to the given axes."""
    return {axis for normal in normals for axis in range(3) if axis != normal}


def training_window(
    low_res: Labels | None,
    scale: Scale,
    window: int | None,
    crop: int,
    margin: Triple,
    axes: Sequence[int] = (0, 1, 2),
    thickness: int = 1,
) -> Triple:
    """Return the low-resolution crop whose generated volume, its margin cut off, holds the critics' slices.

    Args:
        low_res: The scan, or None where there is none to be too small.
        scale: Generated voxels along one of its voxels.
        window: Edge that the user asks for, or None.
        crop: Edge of the critics' slices.
        margin: Generated voxels cut from the sides along each axis.
        axes: The axes that slices are normal to.
        thickness: Scan voxels along an axis that lies in no slice.

    Raises:
        UserError: If the volume, or the window asked for, is too small.
    """
    planes = plane_axes(axes)
    needed: Triple = tuple(  # type: ignore[assignment]
        math.ceil((crop + 2 * m) / s - 1e-9) if axis in planes else thickness
        for axis, (m, s) in enumerate(zip(margin, scale, strict=True))
    )
    edge = max(needed[axis] for axis in planes)
    if window is not None and window < edge:
        raise UserError(
            f"The option batch.window is {window}, but crops of {crop} voxels need at least {edge} "
            "scan voxels; give that or more."
        )
    if low_res is not None and any(n < k for n, k in zip(low_res.grid.shape, needed, strict=True)):
        raise UserError(
            f"The scan has the shape {low_res.grid.shape}, but this method needs at least {needed} "
            "voxels to train on at this scale factor: use a larger volume, or smaller crops "
            f"({SMALLER})."
        )
    if window is None:
        return needed
    return tuple(window if axis in planes else thickness for axis in range(3))  # type: ignore[return-value]


def central(region: Region, shape: Triple) -> Region:
    """Return the middle part of a region, of this shape or the region's own where that is smaller."""
    start: Triple = tuple(a + max(0, n - k) // 2 for a, n, k in zip(region.start, region.shape, shape, strict=True))  # type: ignore[assignment]
    stop: Triple = tuple(min(b, a + k) for a, b, k in zip(start, region.stop, shape, strict=True))  # type: ignore[assignment]
    return Region(start, stop)


def _symmetry(crop: np.ndarray, which: int) -> np.ndarray:
    turned = np.rot90(crop, which % 4, axes=(-2, -1))
    return turned[..., ::-1] if which >= 4 else turned


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


def inner(volumes: torch.Tensor, margin: Triple) -> torch.Tensor:
    """Cut ``margin`` voxels from the sides along each axis of (batch, phases, z, y, x)."""
    z, y, x = (slice(m, n - m) for m, n in zip(margin, volumes.shape[2:], strict=True))
    return volumes[..., z, y, x]


def draw_noise(shapes: Sequence[tuple[int, ...]], rng: torch.Generator, device: str) -> list[torch.Tensor]:
    """Return standard normal tensors of the given shapes."""
    return [torch.randn(shape, generator=rng, device=device) for shape in shapes]
