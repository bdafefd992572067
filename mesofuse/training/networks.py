"""What a training is made of: generator, critics, losses, optimisers, and what they are shown."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, Protocol, cast

import numpy as np
import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.generator import Generator
from mesofuse.interfaces.loss import Loss, LossSetting, Share, SupportsPrepare
from mesofuse.interfaces.method import FitRun, FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.registry import get_registry
from mesofuse.training.batch_norm import over_all_processes
from mesofuse.training.generator_model import GeneratorModel
from mesofuse.training.parts import build_degradation
from mesofuse.training.recipe import AdversarialOptions
from mesofuse.training.sampling import SliceSampler, step_rng
from mesofuse.training.stopwatch import Stopwatch
from mesofuse.training.views import patch_of, views_of
from mesofuse.volumes.grid import AXES


class GeneratorSource(Protocol):
    """What builds a recipe's generator, puts weights into it, and makes a model of weights: the method."""

    def build_generator(self, problem: Problem) -> torch.nn.Module:
        """Return a freshly initialised generator."""
        ...

    def load(self, generator: torch.nn.Module, state: Mapping[str, np.ndarray]) -> None:
        """Put weights into a generator."""
        ...

    def restore(self, problem: Problem, state: Mapping[str, np.ndarray]) -> GeneratorModel:
        """Return the model that weights make."""
        ...


class Networks:
    """Build the parts that a recipe names.

    Args:
        options: The recipe.
        method: Builds the generator.
        inputs: The images, the scan if the generator takes one, and the problem.
        run: Seed, device, and the weights to begin with.
        share: Which of several processes this is.

    Raises:
        UserError: If the inputs are too small, or the batch can't be shared.
    """

    def __init__(
        self,
        options: AdversarialOptions,
        method: GeneratorSource,
        inputs: FusionInputs,
        run: FitRun,
        share: Share,
    ) -> None:
        self.options, self.method, self.inputs, self.run, self.share = options, method, inputs, run, share
        self.first = share.rank == 0
        self.watch = Stopwatch(run.device, run.profile)
        _check_shares(options, share)
        problem, registry, device = inputs.problem, get_registry(), run.device
        self.bf16 = in_bf16(options.precision, device)
        torch.manual_seed(int(step_rng(run.seed, 0, 255).integers(2**62)))
        generator = method.build_generator(problem)
        if run.start is not None:
            method.load(generator, run.start)
        generator = over_all_processes(generator, share)
        self.generator = generator.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.shape = cast(Generator, self.generator)
        self.axes = inputs.axes
        groups = inputs.groups if options.shared_critic else {AXES[axis]: inputs.images[axis] for axis in self.axes}
        self.critic_of = {AXES.index(axis): i for i, axes in enumerate(groups) for axis in axes}
        built = [
            registry.find("critic", part.name).build(part.options, problem)
            for part in (options.critic,) * len(groups)
            if part is not None
        ]
        self.critics = [over_all_processes(critic, share).to(device) for critic in built]
        self.losses: list[Loss] = [registry.find("loss", p.name).build(p.options, problem) for p in options.losses]
        self.degradation = self._degradation(device)
        self.average = store_copy(self.generator) if options.optimizer.averaging is not None else self.generator
        rates, betas = options.optimizer, options.optimizer.betas
        self.generator_adam = torch.optim.Adam(self.generator.parameters(), lr=rates.rate, betas=betas)
        self.critic_adams = [
            torch.optim.Adam(c.parameters(), lr=rates.critic_rate or rates.rate, betas=betas) for c in self.critics
        ]
        crop = self.critics[0].crop if self.critics else patch_of(options.batch, inputs, self.shape.scale)
        self.views = views_of(options.batch, inputs, self.shape, crop)
        self.real = {
            axis: SliceSampler(inputs.images[axis], crop, options.symmetry(axis, inputs.isotropic))
            for axis in self.axes
        }
        images = {axis: inputs.images[axis] for axis in self.axes}
        setting = LossSetting(images, {axis: sampler.turns for axis, sampler in self.real.items()}, device)
        for loss in self.losses:
            if isinstance(loss, SupportsPrepare) and problem.content == "phases":
                loss.prepare(setting)

    def _degradation(self, device: str) -> Degradation | None:
        part = self.options.degradation
        if part is None:
            return None
        built = cast(torch.nn.Module, build_degradation(part, self.inputs.problem))
        return cast(Degradation, built.to(device))


def in_bf16(precision: str, device: str) -> bool:
    """Return whether the generator computes in bfloat16 on a device."""
    if precision == "fast" and device == "cpu":
        able: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # absent from older versions of torch
        return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return precision == "bf16"


def _check_shares(options: AdversarialOptions, share: Share) -> None:
    """Refuse a batch that is no multiple of the number of processes."""
    for name, count in (("volumes", options.batch.volumes), ("real", options.batch.real)):
        if count is not None and count % share.world:
            raise UserError(
                f"{share.world} processes can't share the {count} of batch.{name} equally; give a multiple of "
                f"{share.world}, such as --set batch.{name}={math.ceil(count / share.world) * share.world}."
            )


def store_copy(module: torch.nn.Module) -> torch.nn.Module:
    """Return a copy of a module that shares nothing with it and takes no gradients."""
    return copy.deepcopy(module).requires_grad_(False)
