"""Faults of `mesofuse import`: the volume appears whole or not at all, and the next run leaves nothing of the last."""

import pytest

from tests.faults.harness import Tally, draw
from tests.faults.jobs import import_job


@pytest.mark.parametrize("more", [(), ("--shards", "16")], ids=["chunks", "shards"])
@pytest.mark.parametrize("count", [8, pytest.param(80, marks=pytest.mark.slow)])
def test_faults(server, inputs, tmp_path, more, count):
    job = import_job(inputs, *more)
    clean = server.record(job, tmp_path / "clean")
    tally = Tally(job.name)
    for fault in draw(clean.operations, count, seed=count):
        tally.add(server.attempt(job, clean, fault, tmp_path / "case"))
    tally.check()
