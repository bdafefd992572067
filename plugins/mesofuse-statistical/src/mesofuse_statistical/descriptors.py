"""Descriptor matching: a volume whose planes have the image's descriptors and that shows the scan."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FitRun, FusionInputs, TileInput, TileOutput, TileRun
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import AXES, Scale, Triple
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.patterns import MAX_PHASES, TURNS, Stencil
from mesofuse_statistical.descriptor_descent import Descent, ImageDescriptors, one_thread
from mesofuse_statistical.descriptor_terms import NUMBERS, PatchProjections, PatternHistograms, TwoPointMaps
from mesofuse_statistical.options import DescriptorsOptions
from mesofuse_statistical.requirements import need_scan, need_whole
from mesofuse_statistical.scan_shares import mended

TILE_VOXELS = 64
FOREIGN = "The model's arrays are not those of the method 'descriptors' for these phases and options."


class Descriptors:
    """Descend on the volume itself until its planes have the image's descriptors and it shows the scan.

    The descriptors of the planes normal to an axis, pooled over the planes, are those of the image that shows them: the
    histograms of label patterns, the two-point probabilities of all pairs of phases, and the distribution of patches
    by sorted random projections, at several spacings (`mesofuse_statistical.descriptor_terms`). The descent goes from a
    coarse grid to the result's (`mesofuse_statistical.descriptor_descent`). A scan voxel pulls its voxels towards the
    phases that it shows until these lead by a margin; at the end, few voxels change phase so that every scan voxel sees
    its own phase most (`mesofuse_statistical.scan_shares`). One image stands for its symmetries as in training: all
    eight of the square where it shows every direction, else those that keep rows and columns.

    Sources: descriptors, Seibert, Raßloff, Kalina, Ambati & Kästner (2022, MCRpy); descent on a volume of which planes
    are compared, Bostanabad (2020); patch distributions, Elnekave & Weiss (2022); patterns, Deutsch (1992).

    Args:
        options: Steps, descriptors, weights.
    """

    trains = False
    test_options = {"steps": 4}  # noqa: RUF012

    def __init__(self, options: DescriptorsOptions) -> None:
        self._options = options

    def fit(self, inputs: FusionInputs, run: FitRun) -> DescriptorsModel:
        """Measure the images' descriptors.

        Raises:
            UserError: If there is no scan, an image is too small, lacks a phase or has ignored pixels, or there are too
                many phases for patterns.
        """
        problem = inputs.problem
        phases = len(problem.phases)
        need_scan("descriptors", inputs)
        if not 2 <= phases <= MAX_PHASES:
            raise UserError(
                f"The method 'descriptors' takes from 2 to {MAX_PHASES} phases, but the image has {phases}: merge some "
                "of them, or use another image."
            )
        turns = TURNS["rotate" if inputs.isotropic else "mirror"]
        images: list[ImageDescriptors | None] = [None] * 3
        with one_thread("cpu"):
            for normals, image in inputs.groups.items():
                _check(image, problem, self._options)
                measured = _measured(image, phases, turns, self._options)
                for letter in normals:
                    images[AXES.index(letter)] = measured
        return DescriptorsModel(problem, self._options, tuple(images))

    def restore(self, problem: Problem, state: Mapping[str, np.ndarray]) -> DescriptorsModel:
        """Rebuild a model from its arrays.

        Raises:
            UserError: If they are not those of this method for this problem.
        """
        options, phases = self._options, len(problem.phases)
        stencil = Stencil.of(phases) if 2 <= phases <= MAX_PHASES else None
        which = state.get("axes", np.zeros(0))
        if stencil is None or which.shape != (3,) or sorted(set(which.tolist()) - {-1}) != list(range(which.max() + 1)):
            raise UserError(FOREIGN)

        def array(name: str, *shape: int | None) -> torch.Tensor:
            found = state.get(name)
            if (
                found is None or found.dtype != np.float32 or found.ndim != len(shape) or not np.isfinite(found).all()
                or any(n not in (None, own) for n, own in zip(shape, found.shape, strict=True))
            ):  # fmt: skip
                raise UserError(FOREIGN)
            return torch.from_numpy(found)

        images = []
        for i in range(which.max() + 1):
            side = 2 * options.radius + 1
            bank = array(f"bank.{i}", None, phases, options.patch, options.patch)
            images.append(
                ImageDescriptors(
                    array(f"shares.{i}", phases),
                    PatternHistograms(stencil, {s: array(f"patterns.{i}.{s}", stencil.bins) for s in options.spacings}),
                    TwoPointMaps(array(f"two_point.{i}", phases, phases, side, side)),
                    PatchProjections(
                        bank, {s: array(f"patches.{i}.{s}", len(bank), None) for s in options.patch_spacings}
                    ),
                )
            )
        return DescriptorsModel(problem, options, tuple(images[i] if i >= 0 else None for i in which))


class DescriptorsModel:
    """The fitted method.

    Args:
        problem: Scale and phases.
        options: Steps, weights.
        images: The descriptors of planes normal to z, y and x; None where no image shows them.
    """

    can_tile = False
    sees_ignored = True  # they ask for nothing
    halo: Triple = (0, 0, 0)
    noise = (NoiseSpec("descent", 1),)

    def __init__(
        self, problem: Problem, options: DescriptorsOptions, images: tuple[ImageDescriptors | None, ...]
    ) -> None:
        self.problem = problem
        self.scale: Scale = problem.scale
        z, y, x = (max(1, round(TILE_VOXELS / s)) for s in problem.scale)
        self.tile: Triple = (z, y, x)
        self._options, self._images, self._device = options, images, "cpu"

    def to(self, device: str) -> DescriptorsModel:
        """Compute on a device from now on; return self."""
        self._device = device
        return self

    def reconstruct(self, tile: TileInput, *, probabilities: bool = False) -> TileOutput:
        """Make the volume; the probability of a phase is that of the descent's last step."""
        return self._made(tile, None, probabilities)

    def reconstruct_long(self, tile: TileInput, run: TileRun, *, probabilities: bool = False) -> TileOutput:
        """Make the volume, telling the errors of descriptors and scan; an interrupted descent goes on."""
        return self._made(tile, run, probabilities)

    def _made(self, tile: TileInput, run: TileRun | None, probabilities: bool) -> TileOutput:
        assert tile.field is not None
        logits = Descent(self.problem, self._options, self._images, self._device).run(tile, run)
        labels = mended(logits.argmax(0).astype(np.uint8), logits, tile.field, tile.core, self.problem)
        if not probabilities:
            return TileOutput(labels)
        found = np.exp(logits - logits.max(0))
        np.put_along_axis(found, labels[None].astype(np.intp), found.max(0)[None] * (1 + 1e-6), 0)
        return TileOutput(labels, (found / found.sum(0)).astype(np.float32))

    def tile_bytes(self, window: Triple) -> int:
        """Return about how many bytes a window of this shape needs."""
        shape = [math.ceil(n * s) for n, s in zip(window, self.scale, strict=True)]
        phases, padded = len(self.problem.phases), [n + self._options.radius for n in shape]
        # Spectra of planes that are padded by the radius, a block of planes at once.
        spectra = phases * max(shape[a] * math.prod(padded) // padded[a] for a in range(3))
        return 4 * math.prod(shape) * (6 * phases + 10) + 32 * min(spectra, NUMBERS) + 2**24

    def state(self) -> dict[str, np.ndarray]:
        """Return the images' descriptors."""
        distinct = list({id(image): image for image in self._images if image is not None}.values())
        number = {id(image): i for i, image in enumerate(distinct)}
        state = {"axes": np.array([number.get(id(image), -1) for image in self._images], np.int8)}
        for i, image in enumerate(distinct):
            state[f"shares.{i}"] = image.shares.numpy()
            state[f"two_point.{i}"] = image.two_point.target.numpy()
            state[f"bank.{i}"] = image.patches.bank.numpy()
            state |= {f"patterns.{i}.{s}": t.numpy() for s, t in image.patterns.targets.items()}
            state |= {f"patches.{i}.{s}": t.numpy() for s, t in image.patches.targets.items()}
        return state


def _check(image: LabelArray, problem: Problem, options: DescriptorsOptions) -> None:
    """Refuse an image that the descriptors can't be measured in.

    Raises:
        UserError: If it is too small, lacks a phase or has ignored pixels.
    """
    need_whole("descriptors", [image], "whole images")
    counts = np.bincount(image.array.ravel(), minlength=len(problem.phases))
    missing = [phase.name for phase in problem.phases if not counts[phase.value]]
    if missing:
        raise UserError(
            f"The phase {missing[0]!r} has no pixel in an image, so the method 'descriptors' can't know how it looks: "
            "use an image that shows it, or merge it with another phase."
        )
    reaches = {
        "spacings": 1 + max(options.spacings) * max(Stencil.of(len(problem.phases)).extent),
        "radius": 2 * options.radius,
        "patch_spacings": 1 + max(options.patch_spacings) * (options.patch - 1),
    }
    option = max(reaches, key=lambda name: reaches[name])
    rows, columns = image.array.shape[1:]
    if min(rows, columns) < reaches[option]:
        raise UserError(
            f"The image has {rows} × {columns} pixels, but the method 'descriptors' needs {reaches[option]} each way "
            f"for its option {option}: use a larger image, or lower the option."
        )


def _measured(image: LabelArray, phases: int, turns: tuple[int, ...], options: DescriptorsOptions) -> ImageDescriptors:
    stack = image.array
    shares = np.bincount(stack.ravel(), minlength=phases) / stack.size
    return ImageDescriptors(
        torch.from_numpy(shares.astype(np.float32)),
        PatternHistograms.measure(stack, phases, options.spacings, turns),
        TwoPointMaps.measure(stack, phases, options.radius, turns),
        PatchProjections.measure(stack, phases, options.patch_spacings, turns, options.patch),
    )
