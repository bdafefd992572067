"""Kills, interrupts and failing file operations of `mesofuse generate`: resumed, the volume is that of a clean run."""

import pytest

from tests.faults.harness import Tally, draw
from tests.faults.jobs import LAYOUTS, generate_job


def strike(server, inputs, tmp_path, layout, count, seed):
    job = generate_job(inputs, layout)
    clean = server.record(job, tmp_path / "clean")
    assert {kind for kind, _ in clean.operations} >= {"create", "write", "rename", "mkdir", "sync", "list", "remove"}
    tally = Tally(job.name)
    for fault in draw(clean.operations, count, seed=seed):
        tally.add(server.attempt(job, clean, fault, tmp_path / "case"))
    tally.check()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_few(server, inputs, tmp_path, layout):
    strike(server, inputs, tmp_path, layout, 6, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_many(server, inputs, tmp_path, layout):
    strike(server, inputs, tmp_path, layout, 140, seed=1)
