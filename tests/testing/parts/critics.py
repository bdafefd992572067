"""A small sound critic, and one for each fault."""

from torch import nn


class Good(nn.Module):
    crop = 8

    def __init__(self, options, problem):
        super().__init__()
        self.conv = nn.Conv2d(len(problem.phases), options.width, 3)
        self.last = nn.Linear(options.width, 1)

    def forward(self, slices):
        return self.last(nn.functional.softplus(self.conv(slices)).mean((2, 3)))[:, 0]


class Column(Good):
    def forward(self, slices):
        return super().forward(slices)[:, None]


class Blind(Good):
    def forward(self, slices):
        return super().forward(slices * 0)


class InPlace(Good):
    def forward(self, slices):
        if not self.training:
            slices.add_(1)
        return super().forward(slices)


class Detached(Good):
    def forward(self, slices):
        return super().forward(slices.detach())
