"""What a training is made of."""

import pytest
import torch

from mesofuse.training.networks import in_bf16


@pytest.mark.parametrize(
    ("precision", "device", "able", "expected"),
    [
        ("fast", "cpu", {"avx512_bf16": True}, True),
        ("fast", "cpu", {"amx_bf16": True, "avx512_bf16": False}, True),
        ("fast", "cpu", {"avx512_f": True}, False),
        ("fast", "cuda:0", {"avx512_bf16": True}, False),
        ("auto", "cpu", {"avx512_bf16": True}, False),
        ("float32", "cpu", {"avx512_bf16": True}, False),
        ("bf16", "cpu", {}, True),
        ("bf16", "cuda", {}, True),
    ],
)
def test_bf16_is_used_where_it_is_asked_for_or_fast(monkeypatch, precision, device, able, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    assert in_bf16(precision, device) == expected


def test_a_torch_that_does_not_know_its_processor_computes_in_full_precision(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not in_bf16("fast", "cpu")
