"""A small critic for the slim generator."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from mesofuse.interfaces.problem import Problem
from mesofuse_superres.options import SlimCriticOptions


class SlimCritic(nn.Module):
    """Three 4×4 stride-2 convolutions, then one over all that is left; LeakyReLU, no normalisation.

    With the option ``spectral_norm`` every convolution's weight is divided by its largest singular value (Miyato et al.
    2018, arXiv 1802.05957), which bounds how fast scores change. The vectors that estimate it are buffers, so that a
    resumed training continues with the same ones.

    Args:
        options: Channels, crop and normalisation.
        problem: The phases.
    """

    def __init__(self, options: SlimCriticOptions, problem: Problem) -> None:
        super().__init__()
        c = options.channels
        self.crop = options.crop
        self.made_of = options, problem
        convolutions = (
            nn.Conv2d(len(problem.phases), c, 4, 2, 1),
            nn.Conv2d(c, 2 * c, 4, 2, 1),
            nn.Conv2d(2 * c, 4 * c, 4, 2, 1),
            nn.Conv2d(4 * c, 1, options.crop // 8),
        )
        layers: list[nn.Module] = []
        for conv in convolutions:
            layers += [spectral_norm(conv) if options.spectral_norm else conv, nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers[:-1])

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """See `mesofuse.interfaces.critic.Critic`."""
        scores: torch.Tensor = self.body(slices)
        return scores.reshape(len(slices))

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle and copy a normalised critic as options and state, since torch refuses to pickle its convolutions."""
        if not self.made_of[0].spectral_norm:
            return super().__reduce_ex__(protocol)
        return _rebuilt, (*self.made_of, self.state_dict(), self.training)


def _rebuilt(
    options: SlimCriticOptions, problem: Problem, state: dict[str, torch.Tensor], training: bool
) -> SlimCritic:
    with torch.random.fork_rng(devices=[]):
        critic = SlimCritic(options, problem)
    critic.to(next(iter(state.values()))).load_state_dict(state)
    return critic.train(training)
