"""An independent judge: how often a small classifier tells patches of a result's planes from patches of the image."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from mesofuse.interfaces.metric import Measurement, MetricContext, Needs, Result
from mesofuse.volumes.grid import AXES
from mesofuse.volumes.normals import by_normals
from mesofuse_metrics.options import JudgeOptions
from mesofuse_metrics.reasons import unless

TRAINED = 0.6
"""Share of the image's rows and of the result's planes that the classifier learns from; the rest it is tested on."""


class Judge:
    """Accuracy of a classifier two-sample test between patches of the image and of a result's planes.

    Formula: the share of patches, half of the image and half of the result, that a classifier assigns rightly, having
    learned from others: a convolutional network of four layers, trained for ``steps`` steps of 64 patches of
    ``patch``² pixels from the first 60 % of the image's rows and of the result's planes, tested on ``tested`` patches
    from the rest. Patches are turned and mirrored at random where the image stands for all directions, mirrored else.
    Unit: none; 0.5 is perfect (it can only guess), 1 means that it is never wrong.
    Convention: one classifier for each image, on planes normal to all the axes that the image shows; the random numbers
    are its own, so no recipe can have trained on it. Below 0.5 it is guessing too. Patches with ignored voxels are
    left out. ``judge-error`` is the standard error of the accuracy for that many independent patches; patches overlap,
    so it is a little larger.
    Source: classifier two-sample tests, Lopez-Paz and Oquab (2017).

    Args:
        options: Patch size, training and seed.
    """

    needs: ClassVar[Needs] = Needs(images=True, bytes_per_voxel=1, masked=True)

    def __init__(self, options: JudgeOptions | None = None) -> None:
        self._options = options or JudgeOptions()

    def measure(self, labels: np.ndarray, context: MetricContext) -> list[Result]:
        """Train and test a classifier for each image; NaN where image or result is too small."""
        assert context.images is not None
        groups = by_normals({axis: context.images[axis] for axis in ((0,) if context.planar else (0, 1, 2))})
        results: list[Result] = []
        for normals, shown in groups.items():
            image, axes = shown.array, [AXES.index(letter) for letter in normals]
            stacks = [np.moveaxis(labels, axis, 0) for axis in axes]
            turned = len(groups) == 1 and len(axes) == 3
            accuracy = self._accuracy(image, stacks, len(context.phases), turned)
            name = normals if len(groups) > 1 else "all planes"
            error = math.sqrt(accuracy * (1 - accuracy) / self._options.tested)
            patch = self._options.patch
            why = f"no patch of {patch} × {patch} pixels fits into the parts that the classifier is tested on"
            results += [
                Measurement("judge", name, accuracy, per_voxel=True, reason=unless(accuracy, why)),
                Measurement("judge-error", name, error, per_voxel=True, reason=unless(error, why)),
            ]
        return results

    def _accuracy(self, image: np.ndarray, stacks: list[np.ndarray], phases: int, turned: bool) -> float:
        patch, seed = self._options.patch, self._options.seed
        rng = np.random.default_rng([seed, 0])
        rows = round(TRAINED * image.shape[1])
        real = [image[:, :rows], image[:, rows:]]
        made = [[_planes(s, 0, TRAINED) for s in stacks], [_planes(s, TRAINED, 1) for s in stacks]]
        pieces = [[real[0]], made[0], [real[1]], made[1]]
        drawn = [_Patches(stacks_, patch, phases, turned) for stacks_ in pieces]
        if not all(p.enough and len(p.draw(1, rng)) for p in drawn):
            return math.nan
        before = torch.random.get_rng_state()
        try:
            torch.manual_seed(seed)
            net = _network(phases)
        finally:
            torch.random.set_rng_state(before)
        adam = torch.optim.Adam(net.parameters(), lr=2e-3)
        truth = torch.cat([torch.zeros(32), torch.ones(32)])
        for _ in range(self._options.steps):
            batch = torch.cat([drawn[0].draw(32, rng), drawn[1].draw(32, rng)])
            loss = nn.functional.binary_cross_entropy_with_logits(net(batch)[:, 0], truth)
            adam.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
        net.eval()
        right = total = 0
        with torch.inference_mode():
            for start in range(0, self._options.tested // 2, 64):
                count = min(64, self._options.tested // 2 - start)
                for source, is_made in ((drawn[2], False), (drawn[3], True)):
                    said = net(source.draw(count, rng))[:, 0] > 0
                    right += int((said == is_made).sum())
                    total += count
        return right / total


class _Patches:
    """Random square patches of stacks of planes, without ignored pixels."""

    def __init__(self, stacks: list[np.ndarray], patch: int, phases: int, turned: bool) -> None:
        self.stacks, self.patch, self.phases, self.turned = stacks, patch, phases, turned
        self.enough = all(min(s.shape[1:]) >= patch and len(s) for s in stacks)

    def draw(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        """Return one-hot patches: (count, phases, patch, patch); fewer where nearly all hold ignored pixels."""
        found: list[np.ndarray] = []
        for _ in range(100 * count):
            if len(found) == count:
                break
            stack = self.stacks[int(rng.integers(len(self.stacks)))]
            window = (1, self.patch, self.patch)
            plane, top, left = (int(rng.integers(n - k + 1)) for n, k in zip(stack.shape, window, strict=True))
            cut = stack[plane, top : top + self.patch, left : left + self.patch]
            if cut.max(initial=0) >= self.phases:
                continue
            cut = np.rot90(cut, int(rng.integers(4)) if self.turned else 2 * int(rng.integers(2)))
            found.append(cut[:, ::-1] if rng.integers(2) else cut)
        if not found:
            return torch.empty(0)
        labels = torch.as_tensor(np.stack(found).astype(np.int64))
        return nn.functional.one_hot(labels, self.phases).movedim(-1, 1).float()


def _planes(stack: np.ndarray, first: float, last: float) -> np.ndarray:
    return stack[round(first * len(stack)) : round(last * len(stack))]


def _network(phases: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    width = phases
    for channels, stride in ((16, 1), (32, 2), (32, 2), (64, 2)):
        layers += [nn.Conv2d(width, channels, 3, stride), nn.BatchNorm2d(channels), nn.ReLU()]
        width = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1))
