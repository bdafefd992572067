"""The least-squares form of the adversarial objective."""

from __future__ import annotations

import torch

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from voxel_unet.settings import LSGANSettings


class LSGAN:
    """Critic: mean (C(real) − r)² + mean C(fake)². Generator: mean (C(fake) − r)², averaged over axes."""

    def __init__(self, settings: LSGANSettings, problem: Problem) -> None:
        self.target = settings.target

    def critic_term(self, step: CriticStep) -> torch.Tensor | None:
        """See `mesofuse.interfaces.loss.Loss`."""
        real, fake = step.critic(step.real), step.critic(step.fake)
        return (real - self.target).square().mean() + fake.square().mean()

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """See `mesofuse.interfaces.loss.Loss`."""
        if not step.scores:
            return None
        return torch.stack([(scores - self.target).square().mean() for scores in step.scores.values()]).mean()
