import sys

import pytest

from tests.faults.harness import Server
from tests.faults.jobs import make_inputs


@pytest.fixture(scope="session")
def server():
    """Return the fork server, shared by all tests of a session."""
    if sys.platform != "linux":
        pytest.skip("faults are planted by means of Linux")
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def inputs(tiny_model, tmp_path_factory):
    """Return a folder with a model, a scan and a stack."""
    return make_inputs(tmp_path_factory.mktemp("fault-inputs"), tiny_model)
