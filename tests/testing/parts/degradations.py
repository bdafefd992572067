"""A small sound degradation, and one for each fault."""

import torch
from torch import nn

from mesofuse.testing.stand_ins import PlainDegradation


class Good(PlainDegradation):
    def __init__(self, options, problem):
        super().__init__(problem)


class SmallHalo(Good):
    """Looks at its neighbours along the last axis, replicated at the ends, and does not say so."""

    def forward(self, probabilities, region):
        x = super().forward(probabilities, region)
        wide = torch.cat([x[..., :1], x, x[..., -1:]], -1)
        return (wide[..., :-2] + wide[..., 1:-1] + wide[..., 2:]) / 3


class Stated(SmallHalo):
    halo = (0, 0, 1)


class BatchMixing(Good):
    def forward(self, probabilities, region):
        x = super().forward(probabilities, region)
        return x + 0.1 * x.mean(0, keepdim=True)


class Hard(Good):
    def forward(self, probabilities, region):
        x = super().forward(probabilities, region)
        return nn.functional.one_hot(x.argmax(1), x.shape[1]).movedim(-1, 1).float()


class Swapped(Good):
    def forward(self, probabilities, region):
        return super().forward(probabilities, region).flip(1)


class HighPhases(Good):
    def forward(self, probabilities, region):
        x = super().forward(probabilities, region)
        return torch.cat([x, x[:, :1]], 1)


class OtherShares(Good):
    def shares(self, probabilities, region):
        return self.forward(probabilities, region).flip(1)


class NoPlanes(Good):
    def forward(self, probabilities, region):
        return super().forward(probabilities, region) / (region.shape[0] > 1)
