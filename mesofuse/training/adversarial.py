"""The training loop: budget, checks, checkpoints, and an end that keeps what was learned."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from mesofuse.interfaces.events import Note, StepTimes, TrainingStep
from mesofuse.interfaces.loss import Share
from mesofuse.interfaces.method import FitDiverged, FitInterrupted, FitRun, FusionInputs
from mesofuse.training.collectives import totals
from mesofuse.training.generator_model import GeneratorModel
from mesofuse.training.log import MetricsLog, save_preview
from mesofuse.training.networks import GeneratorSource, store_copy
from mesofuse.training.parallel import HeldInterrupt
from mesofuse.training.recipe import AdversarialOptions
from mesofuse.training.sampling import step_rng
from mesofuse.training.schedule import Schedule
from mesofuse.training.selection import Selector
from mesofuse.training.state import Best, Checkpointed


class AdversarialTrainer(Checkpointed):
    """Train one recipe on one pair of inputs.

    Args:
        options: The recipe.
        method: Builds the generator and restores the best model at the end.
        inputs: The images, the scan if the generator takes one, and the problem.
        run: Folder, seed, device, budget.
        share: Which of several processes this is; the first one checks, writes and reports for all.

    Raises:
        UserError: If the inputs are too small, or the batch can't be shared.
    """

    def __init__(
        self,
        options: AdversarialOptions,
        method: GeneratorSource,
        inputs: FusionInputs,
        run: FitRun,
        share: Share = Share(),  # noqa: B008 (frozen)
    ) -> None:
        super().__init__(options, method, inputs, run, share)
        if self.first:
            self.selector = Selector(options.selection, inputs, self._degradation("cpu"), run.seed)
            self.log = MetricsLog(run.folder / "metrics.csv")
        self.whole = True  # between two steps
        steps = run.budget.steps or (None if run.budget.minutes else options.steps)
        self.schedule = Schedule(steps, run.budget.minutes, options.selection.patience)

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

    # -- the run --------------------------------------------------------------------------------------------------

    def fit(self) -> GeneratorModel:
        """Train until the budget is used up and return the best model found.

        Raises:
            FitInterrupted: On Ctrl-C or SIGTERM, with the best model so far.
            FitDiverged: If the loss or a weight is no finite number, with the best model so far.
        """
        if self.run.resume:
            self.resume()
        precision = self.options.precision
        if self.run.device.startswith("cuda"):
            torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")
            torch.backends.cudnn.allow_tf32 = precision != "float32"
        saved, first = time.monotonic(), self.step
        try:
            with HeldInterrupt() as interrupt:
                while self.fraction() < 1.0:
                    with self.watch.part("rest"):
                        self._train_step()
                    if self._agree(interrupt.seen):
                        break
                    if self.first and time.monotonic() - saved > self.options.checkpoint_seconds:
                        with self.watch.part("checkpoints"):
                            self.save(best=False)
                        saved = time.monotonic()
                model = self._finish()
            if interrupt.seen:
                raise interrupt.seen
        except KeyboardInterrupt as interruption:
            # What a second interrupt has cut in the middle of a step is not kept: the last checkpoint is.
            if self.first and self.whole:
                self.save(best=False)
            raise FitInterrupted(self._best_model()) from interruption
        finally:
            if self.first and self.run.profile:
                self.run.emit(StepTimes(self.step - first, self.watch.seconds))
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
            with self.watch.part("checks"):
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
                self.save(best=True)
        return self._best_model()

    def _best_model(self) -> GeneratorModel:
        """Return the best checked model, or the present one where none is."""
        if not self.best.weights:
            return GeneratorModel(store_copy(self.average), self.inputs.problem, self.options.labels)
        weights = {k: v.numpy() for k, v in self.best.weights.items()}
        return self.method.restore(self.inputs.problem, weights).to(self.run.device)
