"""The hinge form of the adversarial objective."""

from __future__ import annotations

import torch

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from voxel_unet.settings import HingeSettings


class Hinge:
    """Critic: mean max(0, m − C(real)) + mean max(0, m + C(fake)). Generator: −mean C, averaged over axes."""

    def __init__(self, settings: HingeSettings, problem: Problem) -> None:
        self.margin = settings.margin

    def critic_term(self, step: CriticStep) -> torch.Tensor | None:
        """See `mesofuse.interfaces.loss.Loss`."""
        real, fake = step.critic(step.real), step.critic(step.fake)
        return torch.relu(self.margin - real).mean() + torch.relu(self.margin + fake).mean()

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """See `mesofuse.interfaces.loss.Loss`."""
        if not step.scores:
            return None
        return -torch.stack([scores.mean() for scores in step.scores.values()]).mean()
