import psutil
import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.room import check_room


def test_an_array_that_does_not_fit_the_free_memory_is_refused(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("", (), {"available": 1000}))
    check_room("a", (10, 10, 10), 1)
    with pytest.raises(
        UserError, match=r"^a\.npz says that it holds 10 × 10 × 10 values, 2e-06 GB, more than there is free"
    ):
        check_room("a.npz", (10, 10, 10), 2)


def test_the_count_of_voxels_never_wraps_around():
    with pytest.raises(UserError, match="free memory"):
        check_room("a", (2**32, 2**32, 2**32), 1)
