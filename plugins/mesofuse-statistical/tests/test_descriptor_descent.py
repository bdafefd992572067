import pytest
from mesofuse_statistical.descriptor_descent import factors, one_thread


@pytest.mark.parametrize(("levels", "expected"), [(1, [1]), (2, [2, 1]), (3, [4, 2, 1])])
def test_grids_go_from_coarse_to_the_results(levels, expected):
    assert factors((64, 64, 64), levels) == expected


def test_a_thin_volume_is_not_made_coarser_than_it_is():
    assert factors((64, 64, 64), 6)[0] < 64
    assert factors((8, 8, 8), 6)[-1] == 1


def test_threads_are_given_back():
    import torch

    before = torch.get_num_threads()
    with one_thread("cpu"):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
