import pytest
import torch

from mesofuse.errors import UserError
from mesofuse.models.device import resolve_device


def test_auto_and_cpu(monkeypatch):
    assert resolve_device("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device() == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("auto") == "cuda"
    assert resolve_device("cuda:1") == "cuda:1"
    with pytest.raises(UserError, match="2 CUDA devices"):
        resolve_device("cuda:2")


def test_no_cuda_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="this machine has 0 CUDA devices"):
        resolve_device("cuda")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1:2", "cuda:²", "CPU "])
def test_nonsense_is_refused(name):
    with pytest.raises(UserError, match="is not a device"):
        resolve_device(name)
