import pytest
import yaml

from mesofuse.cli.main import main
from mesofuse.config.job import load_job
from mesofuse.config.yaml_text import load_yaml
from mesofuse.errors import UserError

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(12)
)


def test_what_people_write_is_read():
    text = "# a comment\na: &own {x: 1, y: [2.5, no]}\nb: *own\nc: {<<: *own, x: 3}\n0: text\n"
    own = {"x": 1, "y": [2.5, False]}
    assert load_yaml(text) == {"a": own, "b": own, "c": {**own, "x": 3}, 0: "text"}
    assert load_yaml("") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, "more than 100,000 values"),
        ("a: &a [1, *a]", "stands for what holds it"),
        ("[" * 100_000, "nested more than 50 deep"),
        ("- " * 100_000, "nested more than 50 deep"),
        ("{a: " * 1000, "nested more than 50 deep"),
        ("steps: 3\nseed: 1\nsteps: 4\n", "'steps' stands there twice, again in line 3"),
        ("? [a, b]\n: 1", "not a word"),
        ("a: !!python/object/apply:os.system [echo]", "python/object/apply"),
        ("a: !mine 3", "!mine"),
        ("a: 2026-02-31", "can't be read"),
        ("a: " + "9" * 5000, "can't be read"),
        ("a: [1", "','"),
        ("a: \x00", "special characters"),
        ("x" * 5_000_000, "more than 4,000,000"),
    ],
)
def test_what_no_person_writes_is_refused_in_bounded_work(text, said, tmp_path):
    with pytest.raises(yaml.YAMLError, match=said):
        load_yaml(text)
    path = tmp_path / "job.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(UserError, match=r"job\.yaml can't be read as YAML") as refused:
        load_job(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["- a\n", "null: 3\n", "3", "1: {}\nlow_res: x\n"])
def test_a_job_is_a_mapping_of_words(text, tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"job\.yaml is not a job's configuration"):
        load_job(path)


def test_settings_on_the_command_line_are_bounded_too(tmp_path, capsys):
    job = ["fuse", "--low-res", "a.tif", "--high-res", "b.tif", "--scale", "4", "--out", str(tmp_path / "out")]
    assert main([*job, "--set", "batch.volumes=" + "[" * 5000]) == 2
    assert "can't be read" in capsys.readouterr().err
