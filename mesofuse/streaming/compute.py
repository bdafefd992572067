"""Computing one tile: read its window, draw its noise, reconstruct; any worker gets the same bits."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np

from mesofuse.interfaces.method import Model, TileInput, TileOutput, TileRun
from mesofuse.streaming.ignored import ignored_out, shown_to
from mesofuse.streaming.long_tiles import reconstructed
from mesofuse.streaming.noise import draw_noise
from mesofuse.streaming.periodic import periods, read_wrapped
from mesofuse.streaming.tiles import Tile
from mesofuse.volumes.grid import Triple
from mesofuse.volumes.labels import Labels

_local = threading.local()
M_MMAP_THRESHOLD = -3  # of malloc.h
LARGE_BLOCK = 4 << 20


def tile_input(
    model: Model, tile: Tile, shape: Triple, low_res: Labels | None, seed: int, periodic: str = ""
) -> TileInput:
    """Gather what a tile needs; along periodic axes volume and noise repeat beyond the ends."""
    window = tile.window
    # A copy: what is read may be a view of a file that can't be written, which torch does not take.
    own = periods(shape, (1.0, 1.0, 1.0), periodic)
    field = None if low_res is None else np.array(read_wrapped(low_res.read, window, own))
    noise = tuple(
        read_wrapped(partial(draw_noise, spec, seed), window.scaled(spec.factor), periods(shape, spec.factor, periodic))
        for spec in model.noise
    )
    return TileInput(tile.core, window, shape, field, noise)


def compute_tile(
    model: Model, tile: Tile, shape: Triple, low_res: Labels | None, seed: int, periodic: str = ""
) -> np.ndarray:
    """Return the uint8 labels of a tile's output; arguments as `compute_output`."""
    return compute_output(model, tile, shape, low_res, seed, periodic=periodic).labels


def compute_output(
    model: Model,
    tile: Tile,
    shape: Triple,
    low_res: Labels | None,
    seed: int,
    gate: threading.Semaphore | None = None,
    periodic: str = "",
    run: TileRun | None = None,
) -> TileOutput:
    """Return the uint8 labels of a tile's output, and what the model counts next to them.

    Args:
        model: The model.
        tile: The tile.
        shape: Shape of the whole scan, or of the grid that noise is counted on.
        low_res: The scan, or None.
        seed: Seed of the noise.
        gate: Held while the model computes, so that reading and writing of other tiles overlap with it.
        periodic: Axes whose end continues into their start.
        run: Where a tile that takes minutes runs.
    """
    gathered = tile_input(model, tile, shape, low_res, seed, periodic)
    seen = shown_to(model, gathered)
    _one_torch_thread()
    with gate or nullcontext():
        made = reconstructed(model, seen, run)
    return ignored_out(model, gathered, made)


def _one_torch_thread() -> None:
    """Let torch use one thread in this worker: tiles run side by side, and no bit depends on how many do."""
    import torch

    if not getattr(_local, "ready", False):
        torch.set_num_threads(1)
        _local.ready = True


def steady_memory() -> None:
    """Let freed tensors go back to the system at once, so that memory is what the tiles in flight need.

    glibc otherwise keeps blocks of up to 32 MB for each thread; elsewhere nothing is done.
    """
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
    except (AttributeError, OSError, TypeError):  # not glibc
        return


@contextmanager
def torch_threads_kept() -> Iterator[None]:
    """Give the calling thread its torch threads back afterwards, and make CUDA's kernels repeatable meanwhile."""
    import torch

    steady_memory()
    threads, cudnn = torch.get_num_threads(), torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        _local.ready = False
        cudnn.deterministic, cudnn.benchmark = before


def default_workers(device: str) -> int:
    """Return how many tiles to have in flight: one per core on a CPU; two on a GPU, to feed it while it computes."""
    if device != "cpu":
        return 2
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
