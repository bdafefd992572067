import pytest

from mesofuse.cli import job_options
from mesofuse.errors import UserError

FIELDS = {
    "method": "superres", "preset": None, "settings": (), "phases": "", "shows": (), "voxel_size": None,
    "image_pixel_size": None, "unit": None,
    "start": None, "minutes": None, "steps": None, "seed": 0, "device": "auto", "size": None, "periodic": "",
    "content": "phases",
    "ignore": (),
    "crop": (),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "nested"),
    [
        ("batch.volumes=4", {"batch": {"volumes": 4}}),
        ("a=1.5", {"a": 1.5}),
        (" a . b = x=y", {"a ": {" b": "x=y"}}),
        ("a=", {"a": None}),
        ("a=null", {"a": None}),
        ("a=[1, 2]", {"a": [1, 2]}),
        ("a={name: b}", {"a": {"name": "b"}}),
        ("a=1e-3", {"a": 0.001}),
        ("a=-2E5", {"a": -2e5}),
        ("a=yes it is", {"a": "yes it is"}),
    ],
)
def test_a_setting_is_read_as_yaml(text, nested):
    if text.startswith(" "):
        nested = {"a": {"b": "x=y"}}
    assert job_options.parse_setting(text) == nested


@pytest.mark.parametrize("text", ["a", "=1", " =1", "", "a..b=1", ".a=1", "a.=1"])
def test_a_setting_of_another_form_is_refused(text):
    with pytest.raises(UserError, match="KEY=VALUE"):
        job_options.parse_setting(text)


@pytest.mark.parametrize("value", ["[1", "{a", "'"])
def test_a_value_that_is_no_yaml_is_refused(value):
    with pytest.raises(UserError, match="quote it"):
        job_options.parse_setting(f"a={value}")


def test_the_command_line_becomes_a_job():
    fields = FIELDS | {
        "preset": "paper", "settings": ("batch.volumes=3", "critic_steps=2", "critic_steps=4"),
        "phases": " pore, active ,", "shows": ("0=pore", "1=active"), "steps": 7,
    }  # fmt: skip
    job = job_options.make("/a.tif", ("/b.tif",), (4.0, 4.0, 4.0), fields).resolved()
    assert job.phases == ("pore", "active")
    assert job.shows == {"0": ("pore",), "1": ("active",)}
    assert job.steps == 7
    assert job.method["batch"]["volumes"] == 3
    assert job.method["batch"]["margin"] == 4  # the preset's
    assert job.method["critic_steps"] == 4  # the last one counts
    assert job.method["generator"] == {"name": "superres", "width": 8, "blocks": 1}


def test_another_part_forgets_the_first_ones_options():
    fields = FIELDS | {"settings": ("generator.channels=8", "generator.name=superres")}
    job = job_options.make("/a.tif", ("/b.tif",), 4, fields)
    with pytest.raises(UserError, match="'superres' has no option 'channels'"):
        job.resolved()
    job = job_options.make("/a.tif", ("/b.tif",), 4, FIELDS | {"settings": ("generator.name=superres",)}).resolved()
    assert job.method["generator"] == {"name": "superres", "width": 8, "blocks": 1}
