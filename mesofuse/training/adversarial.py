"""The adversarial loop: critics tell generated slices from real ones, the generator learns to pass."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.critic import Critic
from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.events import Note, TrainingStep
from mesofuse.interfaces.generator import Generator
from mesofuse.interfaces.loss import CriticStep, GeneratorStep, Loss, LossSetting, Share, SupportsPrepare
from mesofuse.interfaces.method import FitDiverged, FitInterrupted, FitRun, FusionInputs
from mesofuse.registry import get_registry
from mesofuse.training import state
from mesofuse.training.batch_norm import over_all_processes
from mesofuse.training.collectives import average_gradients, totals
from mesofuse.training.generator_model import GeneratorModel, sharpened
from mesofuse.training.log import MetricsLog, save_preview
from mesofuse.training.method import AdversarialMethod
from mesofuse.training.parallel import HeldInterrupt
from mesofuse.training.recipe import AdversarialOptions
from mesofuse.training.sampling import (
    SliceSampler,
    draw_noise,
    inner,
    one_hot,
    slices_of,
    step_rng,
    to_channels,
    torch_rng,
)
from mesofuse.training.schedule import Schedule
from mesofuse.training.selection import Selector
from mesofuse.training.state import Best
from mesofuse.training.views import View, patch_of, views_of
from mesofuse.volumes.grid import AXES

FIELD, NOISE, REAL, CUT, PENALTY, LOSS = range(6)
"""Streams of random numbers within a step; critic update i of a step uses them shifted by 8 (i + 1).

Every process draws the numbers of the whole batch and keeps its own part: how many there are changes nothing.
"""


class AdversarialTrainer:
    """Trains one recipe on one pair of inputs.

    Args:
        options: The recipe.
        method: Builds the generator and restores the best model at the end.
        inputs: The images, the low-resolution volume if the generator takes one, and the problem.
        run: Folder, seed, device, budget.
        share: Which of several processes this is; the first one checks, writes and tells for all.

    Raises:
        UserError: The inputs are too small, or the batch can't be shared.
    """

    def __init__(
        self,
        options: AdversarialOptions,
        method: AdversarialMethod,
        inputs: FusionInputs,
        run: FitRun,
        share: Share = Share(),  # noqa: B008 (frozen)
    ) -> None:
        self.options, self.method, self.inputs, self.run, self.share = options, method, inputs, run, share
        self.first = share.rank == 0
        _check_shares(options, share)
        problem, registry, device = inputs.problem, get_registry(), run.device
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
        if self.first:
            self.selector = Selector(options.selection, inputs, self._degradation("cpu"), run.seed)
            self.log = MetricsLog(run.folder / "metrics.csv")
        self.step, self.elapsed, self.checked_step, self.best = 0, 0.0, 0, Best()
        self.whole = True  # between two steps
        self.resumed_step: int | None = None
        steps = run.budget.steps or (None if run.budget.minutes else options.steps)
        self.schedule = Schedule(steps, run.budget.minutes, options.selection.patience)

    def _degradation(self, device: str) -> Degradation | None:
        part = self.options.degradation
        if part is None:
            return None
        built = get_registry().find("degradation", part.name).build(part.options, self.inputs.problem)
        return cast(Degradation, built.to(device))

    # -- the budget -----------------------------------------------------------------------------------------------

    def fraction(self) -> float:
        """Return the share of the run that is done."""
        return self.schedule.fraction(self.step, self.elapsed)

    def _set_rates(self) -> None:
        """Let the learning rates fall along half a cosine to their final share."""
        final = self.options.optimizer.final
        share = final + (1 - final) * 0.5 * (1 + float(np.cos(np.pi * self.fraction())))
        rates = self.options.optimizer
        for adam, rate in [
            (self.generator_adam, rates.rate),
            *((a, rates.critic_rate or rates.rate) for a in self.critic_adams),
        ]:
            for group in adam.param_groups:
                group["lr"] = rate * share

    # -- one step -------------------------------------------------------------------------------------------------

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
        bf16 = self.options.precision == "bf16" and device.startswith("cuda")
        for view in self.views:
            if view.fields is None:
                field = torch.zeros((count // self.share.world, 0, *view.region.shape), device=device)
            else:
                crops = self.share.part(view.fields.draw(count, draw))
                field = one_hot(torch.as_tensor(crops, device=device), len(self.inputs.problem.low_phases))
            shapes = [(count, n.channels, *view.region.scaled(n.factor).shape) for n in self.shape.noise]
            noise = [self.share.part(n) for n in draw_noise(shapes, rng, device)]
            with torch.autocast("cuda", torch.bfloat16, enabled=bf16):
                made = self.generator(field, noise, view.region, view.core)
            made = made.float()
            if self.power > 1:
                made = sharpened(made, self.power, 1)
            yield view, field[(..., *view.core.within(view.region))], made

    def _real(self, axis: int, fakes: int, rng: np.random.Generator) -> torch.Tensor:
        """Return crops of the image that shows planes normal to an axis; as many as fakes, or as are set."""
        count = self.options.batch.real or fakes * self.share.world
        crops = np.ascontiguousarray(self.share.part(self.real[axis].draw(count, rng)))
        return to_channels(torch.as_tensor(crops, device=self.run.device), self.inputs.problem)

    def _critic_update(self, index: int) -> float:
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
                    scores[axis], count = critic(fake), len(fake)
                real[axis] = self._real(axis, count, draw)
            rng = step_rng(self.run.seed, self.step, LOSS)
            seen.append(
                GeneratorStep(
                    made, field, view.core, scores, self.degradation, real, self.share, self.step, self.fraction(), rng
                )
            )
        terms = [t for step in seen for loss in self.losses if (t := loss.generator_term(step)) is not None]
        if not terms:
            names = ", ".join(part.name for part in self.options.losses)
            raise UserError(
                f"None of the recipe's losses ({names}) has a term for the generator, with volumes of "
                f"{tuple(seen[0].probabilities.shape[2:])} voxels: use a larger scan or image, or add a loss."
            )
        objective = torch.stack(terms).sum() / len(seen)
        self.generator_adam.zero_grad(set_to_none=True)
        objective.backward()  # type: ignore[no-untyped-call]
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

    # -- the run --------------------------------------------------------------------------------------------------

    def fit(self) -> GeneratorModel:
        """Train until the budget is used up and return the best model found.

        Raises:
            FitInterrupted: On Ctrl-C or SIGTERM, with the best model so far.
            FitDiverged: If the loss or a weight is no finite number, with the best model so far.
        """
        if self.run.resume:
            state.resume(self)
        precision = self.options.precision
        if self.run.device.startswith("cuda"):
            torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")
            torch.backends.cudnn.allow_tf32 = precision != "float32"
        saved = time.monotonic()
        try:
            with HeldInterrupt() as interrupt:
                while self.fraction() < 1.0:
                    self._train_step()
                    if self._agree(interrupt.seen):
                        break
                    if self.first and time.monotonic() - saved > self.options.checkpoint_seconds:
                        state.save(self, best=False)
                        saved = time.monotonic()
                model = self._finish()
            if interrupt.seen:
                raise interrupt.seen
        except KeyboardInterrupt as interruption:
            # What a second interrupt has cut in the middle of a step is not kept: the last checkpoint is.
            if self.first and self.whole:
                state.save(self, best=False)
            raise FitInterrupted(self._best_model()) from interruption
        return model

    def _train_step(self) -> None:
        started = time.monotonic()
        self.whole = False
        # For networks that draw numbers of their own, such as dropout; a run that goes on draws the same ones.
        torch.manual_seed(int(step_rng(self.run.seed, self.step, 254).integers(2**62)))
        self._set_rates()
        updates = self.options.critic_steps if self.critics else 0
        losses = [*[self._critic_update(i) for i in range(updates)][-1:], self._generator_update()]
        *critic_loss, generator_loss = (v / self.share.world for v in totals(self.share, losses))
        self.step += 1
        row: dict[str, Any] = dict(zip(["critic"] * updates, critic_loss, strict=False)) | {"generator": generator_loss}
        for name, loss in row.items():
            if not np.isfinite(loss):
                raise self._diverged(f"the {name}'s loss is {loss}")
        if not self.first:
            self.whole = True
            return
        chosen = self.options.selection
        if self.step % chosen.every == 0 and self.fraction() >= chosen.after:
            row |= self._check()
        self.elapsed += time.monotonic() - started
        self.log.write({"step": self.step, "seconds": round(self.elapsed, 3), **row})
        self.whole = True
        self.run.emit(TrainingStep(self.step, self.fraction(), row))

    def _check(self) -> dict[str, float]:
        model = GeneratorModel(store_copy(self.average), self.inputs.problem, self.options.labels).to(self.run.device)
        weights = {k: v.detach().cpu().contiguous() for k, v in model.module.state_dict().items()}
        wild = next((k for k, v in weights.items() if not torch.isfinite(v).all()), None)
        if wild is not None:
            raise self._diverged(f"the weight {wild!r} is not finite")
        self.checked_step = self.step
        outcome = self.selector.check(model, self.step)
        save_preview(
            self.run.folder / "previews" / f"step{self.step:06d}.png", outcome.sample, self.inputs.problem.phases
        )
        self.schedule.note(outcome.error)
        if outcome.error < self.best.error or self.options.selection.keep == "last":
            self.best = Best(outcome.error, self.step, weights)
        return {"error": outcome.error, **outcome.values}

    def _diverged(self, reason: str) -> FitDiverged:
        kept = self.first and self.best.weights
        end = f"the best model before, of step {self.best.step}, is kept" if kept else "no model was kept"
        return FitDiverged(
            f"The training diverged at step {self.step}: {reason}; {end}. Try a smaller learning rate "
            "(--set optimizer.rate=…) or another --seed.",
            self._best_model() if kept else None,
        )

    def _agree(self, interrupted: type[KeyboardInterrupt] | None) -> bool:
        """Return whether to stop here, alike in all processes; the first one's clock is everyone's.

        Raises:
            KeyboardInterrupt: If one of several processes was interrupted.
        """
        limit = self.options.selection.stop_below
        enough = self.first and limit is not None and self.best.error < limit
        settled = self.first and self.schedule.stopped_falling
        own = (self.elapsed if self.first else 0.0, float(enough), float(settled), float(interrupted is not None))
        self.elapsed, stop, settles, interrupts = totals(self.share, own)
        if interrupts:
            raise interrupted or KeyboardInterrupt
        if settles:
            self.schedule.settle(self.step, self.elapsed)
            if self.first:
                share = f"{100 * self.schedule.used(self.step, self.elapsed):.0f} %"
                self.run.emit(Note(f"The error has stopped falling after {share} of the budget: ending the training."))
        return stop > 0

    def _finish(self) -> GeneratorModel:
        """Check the last weights too, keep the run's state, and return the best model; the others, the last one."""
        if self.first:
            if self.checked_step != self.step or not self.best.weights:
                self.log.write({"step": self.step, "seconds": round(self.elapsed, 3), **self._check()})
                self.resumed_step = None
            if self.step != self.resumed_step:
                state.save(self, best=True)
        return self._best_model()

    def _best_model(self) -> GeneratorModel:
        """Return the best checked model, or the present one where none is."""
        if not self.best.weights:
            return GeneratorModel(store_copy(self.average), self.inputs.problem, self.options.labels)
        weights = {k: v.numpy() for k, v in self.best.weights.items()}
        return self.method.restore(self.inputs.problem, weights).to(self.run.device)


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
    import copy

    return copy.deepcopy(module).requires_grad_(False)
