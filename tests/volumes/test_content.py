import numpy as np
import pytest

from mesofuse.testing.problems import blobs, intensities
from mesofuse.volumes.content import CHANNELS, content_of, in_words, leading
from mesofuse.volumes.grid import Region
from mesofuse.volumes.part import Part


@pytest.mark.parametrize("content", ["grey", "colour"])
def test_arrays_and_their_parts_tell_what_they_hold(content):
    volume = intensities((4, 5, 6), content)
    part = Part(volume, Region((1, 1, 1), (3, 4, 5)))
    assert (content_of(volume), content_of(part)) == (content, content)
    assert part.read(Region.whole((2, 3, 4))).shape == (*leading(content), 2, 3, 4)
    assert len(CHANNELS[content]) == max(1, *leading(content), 1)


def test_labels_hold_phases_whatever_else_is_said():
    assert content_of(blobs((4, 4, 4), 2)) == "phases"
    assert leading("phases") == ()
    assert [in_words(content) for content in CHANNELS] == ["phases", "grey values", "colours"]


def test_one_voxel_is_enough_to_tell():
    class Watched:
        phases = ()
        grid = intensities((64, 64, 64), "grey").grid

        def read(self, region):
            assert region.size == 1
            return np.zeros((3, *region.shape), np.uint8)

    assert content_of(Watched()) == "colour"
