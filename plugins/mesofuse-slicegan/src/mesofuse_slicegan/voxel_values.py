"""The last step of the generators: from any numbers to probabilities, or to grey values and colours."""

from __future__ import annotations

import torch

from mesofuse.interfaces.problem import Content


def voxel_values(made: torch.Tensor, content: Content) -> torch.Tensor:
    """Return probabilities that sum to 1 over axis 1, or as published ½ (tanh + 1) for grey values and colours."""
    return torch.softmax(made, dim=1) if content == "phases" else 0.5 * (torch.tanh(made) + 1)
