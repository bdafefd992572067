import pytest
import torch

from mesofuse.errors import UserError
from mesofuse.training import checkpoint


def _trained(seed, steps):
    torch.manual_seed(seed)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    adam = torch.optim.Adam(module.parameters(), lr=0.1, betas=(0.5, 0.9))
    train(module, adam, steps)
    return module, adam


def train(module, adam, steps):
    data = torch.linspace(-1, 1, 24).reshape(8, 3)
    for _ in range(steps):
        adam.zero_grad()
        module(data).square().mean().backward()
        adam.step()


def test_what_is_saved_goes_on_to_the_same_bits(tmp_path):
    module, adam = _trained(0, 3)
    tensors = checkpoint.module_tensors("net", module) | checkpoint.optimizer_tensors("adam", adam)
    checkpoint.save_checkpoint(tmp_path / "c", tensors, {"step": 3, "best": None})
    train(module, adam, 2)
    other, other_adam = _trained(1, 1)
    loaded, state = checkpoint.load_checkpoint(tmp_path / "c")
    assert state == {"step": 3, "best": None}
    checkpoint.load_module("net", other, loaded)
    checkpoint.load_optimizer("adam", other_adam, loaded)
    train(other, other_adam, 2)
    for a, b in zip(module.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_no_checkpoint_is_none(tmp_path):
    assert checkpoint.load_checkpoint(tmp_path) is None


@pytest.mark.parametrize("keep", [0, 5, 200, -1])
def test_a_torn_checkpoint_is_named(tmp_path, keep):
    checkpoint.save_checkpoint(tmp_path, {"a": torch.zeros(50)}, {"step": 1})
    file = tmp_path / "checkpoint.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(UserError, match="is damaged"):
        checkpoint.load_checkpoint(tmp_path)


def test_writing_leaves_one_whole_file(tmp_path):
    checkpoint.write_atomic(tmp_path / "a.txt", b"one")
    checkpoint.write_atomic(tmp_path / "a.txt", b"two")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"two"
