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


def saved(folder, *steps):
    for step in steps:
        checkpoint.save_checkpoint(
            folder, {"a": torch.full((50,), float(step)), "n": torch.tensor(step)}, {"step": step}
        )
    return folder / checkpoint.CHECKPOINT


def emptied(data):
    return b""


def torn(data):
    return data[: len(data) // 2]


def lacking(data):
    return data[:-1]


def flipped(at):
    def flip(data):
        data = bytearray(data)
        data[at] ^= 1
        return bytes(data)

    return flip


def without_checksum(data):
    from safetensors.torch import save

    return save({"a": torch.zeros(50)}, metadata={"state": '{"step": 9}'})


DAMAGES = [emptied, torn, lacking, flipped(-1), flipped(-100), flipped(7), flipped(60), without_checksum]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_recognised_and_the_one_before_taken(tmp_path, damage):
    file = saved(tmp_path, 1, 2)
    file.write_bytes(damage(file.read_bytes()))
    said = []
    tensors, state = checkpoint.load_checkpoint(tmp_path, said.append)
    assert state == {"step": 1}
    assert float(tensors["a"][0]) == 1
    assert len(said) == 1
    assert "is damaged" in said[0]
    # The next save must not put the damaged one in the place of the sound one.
    checkpoint.load_checkpoint(tmp_path, mend=True)
    saved(tmp_path, 3)
    file.write_bytes(b"")
    assert checkpoint.load_checkpoint(tmp_path)[1] == {"step": 1}


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_no_sound_one_is_left_that_is_said(tmp_path, damage):
    file = saved(tmp_path, 1)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match=r"is damaged .* no sound one before it"):
        checkpoint.load_checkpoint(tmp_path)


def test_every_flipped_bit_is_recognised(tmp_path):
    file = saved(tmp_path, 1)
    data = file.read_bytes()
    whole = checkpoint.load_checkpoint(tmp_path)
    for at in range(len(data)):
        file.write_bytes(flipped(at)(data))
        try:
            tensors, state = checkpoint.load_checkpoint(tmp_path)
        except UserError:
            continue
        # Padding of the header bears on nothing.
        assert data[at] == ord(" ")
        assert state == whole[1]
        assert all(torch.equal(tensors[k], v) for k, v in whole[0].items())


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path):
    file = saved(tmp_path, 1, 2)
    file.unlink()
    said = []
    assert checkpoint.load_checkpoint(tmp_path, said.append, mend=True)[1] == {"step": 1}
    assert said == []


def test_a_full_disk_leaves_the_checkpoint_and_no_other_file(tmp_path, monkeypatch):
    saved(tmp_path, 1, 2)

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        saved(tmp_path, 3)
    monkeypatch.undo()
    assert sorted(p.name for p in tmp_path.iterdir()) == [checkpoint.CHECKPOINT, checkpoint.PREVIOUS]
    assert checkpoint.load_checkpoint(tmp_path)[1] == {"step": 2}


def test_writing_leaves_one_whole_file(tmp_path):
    checkpoint.write_atomic(tmp_path / "a.txt", b"one")
    checkpoint.write_atomic(tmp_path / "a.txt", b"two")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"two"
