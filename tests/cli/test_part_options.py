import pytest

from mesofuse.cli.part_options import job_fields, parse
from mesofuse.errors import UserError


def test_values_and_parts_are_of_the_inputs_that_they_name():
    fields = job_fields(["255", "low-res=surround:0", "high_res=#ff0000"], ["low-res=0:9,:,:"], scan=True)
    assert fields == {
        "ignore": ["255"],
        "low_res_ignore": ["surround:0"],
        "high_res_ignore": ["#ff0000"],
        "low_res_crop": "0:9,:,:",
    }


def test_without_a_scan_a_part_is_the_images():
    assert job_fields([], [":,0:5,0:5"], scan=False) == {"high_res_crop": ":,0:5,0:5"}


@pytest.mark.parametrize(
    ("ignore", "crop", "words"),
    [
        (["scan=0"], [], "names the input 'scan'; there are low-res and high-res"),
        ([], ["0:9,:,:"], "does not say of which input: write --crop low-res=0:9,:,:"),
        ([], ["low-res=:", "low-res=0:2,:,:"], "given twice for low-res"),
    ],
)
def test_what_names_no_input_is_refused(ignore, crop, words):
    with pytest.raises(UserError, match=words):
        job_fields(ignore, crop, scan=True)


def test_a_value_that_is_none_is_refused():
    assert [str(each) for each in parse(["7", "surround:0"])] == ["7", "surround:0"]
    with pytest.raises(UserError, match="'seven' is no value to be ignored"):
        parse(["seven"])
