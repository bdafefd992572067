"""BatchNorm that is frozen for the last part of a training."""

import torch

from mesofuse.training.batch_norm import freeze


def test_frozen_layers_normalise_as_in_generation_and_keep_their_statistics():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv3d(2, 3, 1), torch.nn.BatchNorm3d(3), torch.nn.Dropout(0.5)).train()
    values = torch.randn(2, 2, 4, 4, 4)
    net(values)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    assert freeze(net, True)
    made = net[:2](values)
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert net[2].training  # nothing but the normalisation is frozen
    assert torch.equal(made, net[:2].eval()(values))
    net.train()
    assert not freeze(net, False)
    net(values)
    assert not torch.equal(net[1].running_mean, before["1.running_mean"])
