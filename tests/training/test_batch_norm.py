"""Batch normalisation that trains as it is used."""

import pytest
import torch
from torch import nn

from mesofuse.interfaces.loss import Share
from mesofuse.training.batch_norm import FULL, Renormalised, for_training

BATCHES = [3 * torch.randn((2, 4, 5, 6, 7), generator=torch.Generator().manual_seed(i)) + i % 5 for i in range(40)]


def settled(layer, tracked):
    """Give a layer statistics of its own."""
    layer.running_mean = torch.tensor([1.0, 2.0, 0.5, -1.0])
    layer.running_var = torch.tensor([4.0, 9.0, 16.0, 9.0])
    layer.num_batches_tracked.fill_(tracked)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, 0.5, 2.0, -1.0]))
        layer.bias.copy_(torch.tensor([0.0, 1.0, -1.0, 0.5]))
    return layer


def test_settled_it_normalises_in_training_as_in_use():
    layer = for_training(settled(nn.BatchNorm3d(4), 2 * FULL), Share(), renormalised=True)
    assert isinstance(layer, Renormalised)
    layer.eval()
    used = [layer(batch) for batch in BATCHES]
    layer.train()
    for batch, expected in zip(BATCHES, used, strict=True):
        settled(layer, 2 * FULL)
        assert torch.allclose(layer(batch), expected, atol=1e-4)


def test_its_gradients_are_those_of_the_batches_statistics_scaled():
    """The mean of what it gives does not depend on the mean of what it is given."""
    layer = for_training(settled(nn.BatchNorm3d(4), 2 * FULL), Share(), renormalised=True)
    batch = BATCHES[0].clone().requires_grad_()
    (layer(batch) * torch.linspace(0, 1, 7)).sum().backward()
    assert torch.allclose(batch.grad.sum((0, 2, 3, 4)), torch.zeros(4), atol=1e-3)
    assert batch.grad.abs().max() > 1e-3


def test_it_begins_as_batch_norm_and_keeps_the_same_running_statistics():
    plain, other = nn.BatchNorm3d(4), for_training(nn.BatchNorm3d(4), Share(), renormalised=True)
    for batch in BATCHES:
        assert torch.allclose(plain(batch), other(batch), atol=1e-5)
    assert plain.state_dict().keys() == other.state_dict().keys()
    for kept, found in zip(plain.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.allclose(kept.float(), found.float(), atol=1e-5)


def test_corrections_are_limited():
    layer = for_training(settled(nn.BatchNorm3d(4), 2 * FULL), Share(), renormalised=True)
    made = layer(BATCHES[0] * 1e-4 + 1e4)
    assert made.abs().max() < 20


@pytest.mark.parametrize("renormalised", [False, True])
def test_a_network_alone_keeps_what_it_is_unless_it_is_asked_for(renormalised):
    network = for_training(nn.Sequential(nn.Conv3d(1, 2, 1), nn.BatchNorm3d(2)), Share(), renormalised=renormalised)
    assert isinstance(network[1], Renormalised) == renormalised
