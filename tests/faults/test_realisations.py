"""Faults of `mesofuse realisations`: resumed, volumes, summary, records and table are those of a clean run."""

import pytest

from tests.faults.harness import Tally, draw
from tests.faults.jobs import realisations_job


@pytest.mark.parametrize("count", [4, pytest.param(80, marks=pytest.mark.slow)])
def test_faults(server, inputs, tmp_path, count):
    job = realisations_job(inputs)
    clean = server.record(job, tmp_path / "clean")
    tally = Tally(job.name)
    for fault in draw(clean.operations, count, seed=count):
        tally.add(server.attempt(job, clean, fault, tmp_path / "case"))
    tally.check()
