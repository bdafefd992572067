"""One step of a training: critics tell generated slices from real ones, the generator learns from its losses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.critic import Critic
from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.training.collectives import average_gradients
from mesofuse.training.generator_model import sharpened
from mesofuse.training.networks import Networks
from mesofuse.training.sampling import draw_noise, inner, one_hot, slices_of, step_rng, to_channels, torch_rng
from mesofuse.training.views import View

FIELD, NOISE, REAL, CUT, PENALTY, LOSS = range(6)
"""Streams of random numbers within a step; critic update i of a step uses them shifted by 8 (i + 1).

Every process draws the numbers of the whole batch and keeps its own part: how many there are changes nothing.
"""


class Updates(Networks):
    """Update critics and generator.

    Attributes:
        step: Steps done so far.
    """

    step = 0

    def fraction(self) -> float:
        """Return the share of the run that is done."""
        raise NotImplementedError

    @property
    def power(self) -> float:
        """The power to which probabilities are raised now."""
        phases = self.inputs.problem.content == "phases"
        return self.options.labels.power_at(self.fraction()) if phases else 1.0

    def _generate(self, stream: int) -> Iterator[tuple[View, torch.Tensor, torch.Tensor]]:
        """Give view by view the low-resolution one-hot fields of the core, and the probabilities generated there."""
        device, count = self.run.device, self.options.batch.volumes
        draw = step_rng(self.run.seed, self.step, stream + FIELD)
        rng = torch_rng(self.run.seed, self.step, stream + NOISE, device)
        for view in self.views:
            with self.watch.part("scan and noise"):
                if view.fields is None:
                    field = torch.zeros((count // self.share.world, 0, *view.region.shape), device=device)
                else:
                    crops = self.share.part(view.fields.draw(count, draw))
                    field = one_hot(torch.as_tensor(crops, device=device), len(self.inputs.problem.low_phases))
                shapes = [(count, n.channels, *view.region.scaled(n.factor).shape) for n in self.shape.noise]
                noise = [self.share.part(n) for n in draw_noise(shapes, rng, device)]
            with self.watch.part("generator"):
                with torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=self.bf16):
                    made = self.generator(field, noise, view.region, view.core)
                made = made.float()
                if made.requires_grad:  # the losses' share of the backward pass ends where it reaches the generator
                    made.register_hook(lambda slope: self.watch.rename("backward: generator"))
                if self.power > 1:
                    made = sharpened(made, self.power, 1)
            yield view, field[(..., *view.core.within(view.region))], made

    def _real(self, axis: int, fakes: int, rng: np.random.Generator) -> torch.Tensor:
        """Return crops of the image that shows planes normal to an axis; as many as fakes, or as are set."""
        count = self.options.batch.real or fakes * self.share.world
        with self.watch.part("image crops"):
            crops = np.ascontiguousarray(self.share.part(self.real[axis].draw(count, rng)))
            return to_channels(torch.as_tensor(crops, device=self.run.device), self.inputs.problem)

    def _critic_update(self, index: int) -> float:
        with self.watch.part("critics"):
            return self._teach_critics(index)

    def _teach_critics(self, index: int) -> float:
        stream = 8 * (index + 1)
        batch = self.options.batch
        with torch.no_grad():
            volumes = [(view, inner(made, view.margin)) for view, _, made in self._generate(stream)]
        cut = step_rng(self.run.seed, self.step, stream + CUT)
        draw = step_rng(self.run.seed, self.step, stream + REAL)
        rng = torch_rng(self.run.seed, self.step, stream + PENALTY, self.run.device)
        total = 0.0
        for adam in self.critic_adams:
            adam.zero_grad(set_to_none=True)
        for made, axis in ((made, axis) for view, made in volumes for axis in view.axes):
            critic = self.critics[self.critic_of[axis]]
            fake = slices_of(made, axis, batch.slices, critic.crop, cut)
            real = self._real(axis, len(fake), draw)
            seen = CriticStep(cast(Critic, critic), real, fake, axis, rng, self.share)
            terms = [t for loss in self.losses if (t := loss.critic_term(seen)) is not None]
            if not terms:
                names = ", ".join(part.name for part in self.options.losses)
                raise UserError(
                    f"The recipe has a critic, but none of its losses ({names}) teaches it: add one, such as "
                    "wasserstein-gp, or leave the critic out (--set critic=null)."
                )
            # A shared critic takes the mean of its axes' objectives, so that its step does not grow with them.
            sharing = sum(i == self.critic_of[axis] for i in self.critic_of.values())
            objective = torch.stack(terms).sum() / sharing
            objective.backward()  # type: ignore[no-untyped-call]
            total += float(objective.detach())
        for critic, adam in zip(self.critics, self.critic_adams, strict=True):
            average_gradients(self.share, critic.parameters())
            adam.step()
        return total

    def _generator_update(self) -> float:
        batch = self.options.batch
        for critic in self.critics:
            critic.requires_grad_(False)
        cut = step_rng(self.run.seed, self.step, CUT)
        draw = step_rng(self.run.seed, self.step, REAL)
        scores: dict[int, torch.Tensor] = {}
        real: dict[int, torch.Tensor] = {}
        seen = []
        for view, field, made in self._generate(0):
            for axis in view.axes:
                count = len(made) * (batch.slices or made.shape[2 + axis])
                if self.critics:
                    critic = self.critics[self.critic_of[axis]]
                    fake = slices_of(inner(made, view.margin), axis, batch.slices, critic.crop, cut)
                    with self.watch.part("critics"):
                        scores[axis], count = critic(fake), len(fake)
                real[axis] = self._real(axis, count, draw)
            rng = step_rng(self.run.seed, self.step, LOSS)
            seen.append(
                GeneratorStep(
                    made, field, view.core, scores, self.degradation, real, self.share, self.step, self.fraction(), rng
                )
            )
        terms = []
        for part, loss in zip(self.options.losses, self.losses, strict=False):
            with self.watch.part(f"loss {part.name}"):
                terms += [t for step in seen if (t := loss.generator_term(step)) is not None]
        if not terms:
            names = ", ".join(part.name for part in self.options.losses)
            raise UserError(
                f"None of the recipe's losses ({names}) has a term for the generator, with volumes of "
                f"{tuple(seen[0].probabilities.shape[2:])} voxels: use a larger scan or image, or add a loss."
            )
        objective = torch.stack(terms).sum() / len(seen)
        self.generator_adam.zero_grad(set_to_none=True)
        with self.watch.part("backward: losses"):
            objective.backward()  # type: ignore[no-untyped-call]
        with self.watch.part("optimiser"):
            average_gradients(self.share, self.generator.parameters())
            self.generator_adam.step()
            for critic in self.critics:
                critic.requires_grad_(True)
            self._follow()
        return float(objective.detach())

    def _follow(self) -> None:
        """Move the averaged weights towards the present ones; counts and running statistics are averaged too."""
        decay = self.options.optimizer.averaging
        if decay is None:
            return
        decay = min(decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, new in zip(self.average.state_dict().values(), self.generator.state_dict().values(), strict=True):
                if kept.is_floating_point():
                    kept.lerp_(new, 1 - decay)
                else:
                    kept.copy_(new)
