"""The published architecture out of plain torch layers, written down from its description, to compare with."""

from itertools import pairwise

import pytest
import torch
from torch import nn


class PublishedNet(nn.Module):
    """Transposed convolutions of kernel 4 and stride 2; `resize` adds the last convolution of that variant."""

    def __init__(self, widths, resize=False, paddings=None):
        super().__init__()
        pairs = list(pairwise(widths))
        paddings = paddings or [2] * (len(pairs) - 1) + [3]
        self.convs = nn.ModuleList(
            nn.ConvTranspose3d(a, b, 4, 2, p, bias=False) for (a, b), p in zip(pairs, paddings, strict=True)
        )
        self.bns = nn.ModuleList(nn.BatchNorm3d(b) for _, b in pairs)
        if resize:
            self.rcconv = nn.Conv3d(widths[-2], widths[-1], 3)

    def before_last(self, x):
        for conv, norm in zip(self.convs[:-1], self.bns[:-1], strict=True):
            x = torch.relu(norm(conv(x)))
        return x

    def forward(self, x):
        return torch.softmax(self.convs[-1](self.before_last(x)), 1)

    def resized(self, x, size=None):
        """To the published size 2 (m − 1), or (size None) by exactly 2 with the outermost voxels cut."""
        x = self.before_last(x)
        if size is None:
            x = nn.functional.interpolate(x, scale_factor=2, mode="trilinear")[..., 1:-1, 1:-1, 1:-1]
        else:
            x = nn.functional.interpolate(x, size=[2 * (n - 1) for n in x.shape[2:]], mode="trilinear")
        return torch.softmax(self.rcconv(x), 1)


def trained(module, seed=0):
    """Give the module weights and running statistics as training would leave them, and no two alike."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if name.endswith("running_var"):
                value.copy_(0.5 + torch.rand(value.shape, generator=rng))
            elif value.is_floating_point():
                value.copy_(torch.randn(value.shape, generator=rng) * (0.2 if value.dim() > 1 else 0.5))
    return module.eval()


@pytest.fixture
def published():
    """Make a published generator: published(widths, resize=False, paddings=None)."""
    return lambda *args, **kwargs: trained(PublishedNet(*args, **kwargs))
