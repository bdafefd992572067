import platform

import numpy as np
import pytest
import torch

from mesofuse.streaming.compute import compute_tile, default_workers, steady_memory, tile_input, torch_threads_kept
from mesofuse.streaming.probe import resident
from mesofuse.streaming.tiles import Tiling
from mesofuse.testing.problems import blobs


def test_a_tile_reads_its_window_and_noise_alone(tiny_model):
    model, _ = tiny_model()
    model.tile = (4, 4, 4)
    low = blobs((12, 12, 12), 2)
    tile = Tiling.of(model, low.grid.shape).tile((1, 1, 1))
    gathered = tile_input(model, tile, low.grid.shape, low, 3)
    assert gathered.field.shape == (12, 12, 12)
    assert [n.shape for n in gathered.noise] == [(1, 12, 12, 12), (1, 24, 24, 24), (1, 48, 48, 48)]
    labels = compute_tile(model, tile, low.grid.shape, low, 3)
    assert labels.shape == (16, 16, 16)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, compute_tile(model, tile, low.grid.shape, low, 3))
    assert (labels != compute_tile(model, tile, low.grid.shape, low, 4)).any()


def test_the_calling_thread_keeps_its_torch_threads():
    before = torch.get_num_threads()
    with torch_threads_kept():
        torch.set_num_threads(before + 1)
    assert torch.get_num_threads() == before


def test_default_workers():
    assert default_workers("cpu") >= 1
    assert default_workers("cuda:1") == 2


def test_freed_memory_goes_back_to_the_system():
    """Blocks that glibc would keep by itself, 24 MB each, are gone from the process once they are freed."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc keeps large blocks")
    steady_memory()
    for _ in range(3):
        blocks = [np.ones(24 << 20, dtype=np.uint8) for _ in range(8)]
        held = resident()
        del blocks
    assert held - resident() > 7 * (24 << 20)
