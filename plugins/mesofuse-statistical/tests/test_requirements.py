from dataclasses import replace

import pytest
from mesofuse_statistical.requirements import need_scan, need_whole

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FusionInputs
from mesofuse.testing.problems import blobs, make_problem

IMAGE = blobs((1, 16, 16), 2)


def test_a_scan_is_asked_for_where_there_is_none():
    need_scan("x", FusionInputs(blobs((4, 4, 4), 2), (IMAGE,) * 3, make_problem(2, 2, 4)))
    for scan, problem in ((None, make_problem(2, 2, 4)), (blobs((4, 4, 4), 2), make_problem(0, 2, 1))):
        with pytest.raises(UserError, match="The method 'x' needs a scan, but there is none"):
            need_scan("x", FusionInputs(scan, (IMAGE,) * 3, problem))


def test_one_image_with_ignored_pixels_is_enough_to_refuse():
    need_whole("x", [IMAGE, IMAGE], "whole images")
    with pytest.raises(UserError, match="The method 'x' measures whole images, but an image has ignored pixels: crop"):
        need_whole("x", [IMAGE, replace(IMAGE, masked=True)], "whole images")
