from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mesofuse.config.comparison import dump_comparison, load_comparison, make_comparison
from mesofuse.config.inputs import check_inputs_there, with_inputs
from mesofuse.config.job import dump_job, load_job, make_job
from mesofuse.config.places import absolute, named_from, other_inputs
from mesofuse.errors import UserError

DATA = {"low_res": "/p/scan.tif", "high_res": "/p/sem.tif", "scale": 4}


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/home/me/p/runs/first/inputs/a.tif", "inputs/a.tif"),
        ("/home/me/p/runs/a.tif", "../a.tif"),
        ("/home/me/p/data/a.tif", "../../data/a.tif"),
        ("/home/me/a.tif", "/home/me/a.tif"),
        ("/data/a.tif", "/data/a.tif"),
        ("s3://bucket/a.zarr", "s3://bucket/a.zarr"),
    ],
)
def test_a_file_near_the_folder_is_named_relatively(path, named):
    assert named_from(path, Path("/home/me/p/runs/first")) == named


def test_what_shares_but_the_root_is_named_in_full():
    assert named_from("/data/a.tif", Path("/run")) == "/data/a.tif"
    assert named_from("/data/a.tif", Path("/scratch/run")) == "/data/a.tif"


NAMES = st.lists(st.sampled_from(["a", "b c", "ä"]), min_size=1, max_size=5).map("/".join)


@given(NAMES, NAMES)
def test_a_name_leads_to_the_file(file, folder):
    home = Path("/no/such", folder)
    assert (home / named_from(f"/no/such/{file}.tif", home)).resolve() == Path(f"/no/such/{file}.tif")


def test_a_job_and_a_comparison_move_with_their_files(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    job = make_job(
        DATA | {"low_res": str(old / "scan.tif"), "high_res": {"zy": str(old / "a.tif"), "x": "/p/b.tif"}}, ""
    )
    entries = [{"volume": str(old / "v.zarr")}, {"name": "m", "model": str(old / "m/model")}]
    comparison = make_comparison(DATA | {"low_res": str(old / "scan.tif"), "compare": entries}, "a test")
    (new / "run").mkdir(parents=True)
    (new / "run" / "config.yaml").write_text(dump_job(job, old / "run"), "utf-8")
    (new / "run" / "comparison.yaml").write_text(dump_comparison(comparison, old / "run"), "utf-8")
    moved = load_job(new / "run" / "config.yaml")
    assert moved.low_res == str(new / "scan.tif")
    assert moved.high_res == {"zy": str(new / "a.tif"), "x": "/p/b.tif"}
    assert yaml.safe_load(dump_job(job, old / "run"))["low_res"] == "../scan.tif"
    found = load_comparison(new / "run" / "comparison.yaml")
    assert found.low_res == str(new / "scan.tif")
    assert [e.volume or e.model for e in found.compare] == [str(new / "v.zarr"), str(new / "m/model")]


def test_inputs_can_be_given_anew():
    job = make_job(DATA, "a test")
    assert with_inputs(job, None, None) is job
    assert with_inputs(job, "/q/scan.tif", None).low_res == "/q/scan.tif"
    assert with_inputs(job, None, {"zy": "/q/a.tif", "x": "/q/b.tif"}).images == {"zy": "/q/a.tif", "x": "/q/b.tif"}
    assert with_inputs(job, "/q/scan.tif", None).scale == job.scale


def test_what_is_missing_is_said_with_the_way_to_give_it(tmp_path):
    job = make_job(DATA | {"low_res": str(tmp_path / "scan.tif")}, "a test")
    with pytest.raises(UserError, match=r"sem.tif, which config.yaml names, do not exist: .*--low-res FILE and --high"):
        check_inputs_there(job, Path("config.yaml"))
    (tmp_path / "scan.tif").touch()
    with pytest.raises(UserError, match=r"^/p/sem.tif, which config.yaml names, does not exist"):
        check_inputs_there(job, Path("config.yaml"))
    check_inputs_there(with_inputs(job, None, str(tmp_path / "scan.tif")), Path("config.yaml"))


def test_other_inputs_are_named():
    assert other_inputs({"low_res": "a", "high_res": "b"}, {"low_res": "a", "high_res": "b"}) == ""
    assert other_inputs({"low_res": "a", "high_res": "b"}, {"low_res": "a", "high_res": "c"}) == "high_res"
    assert other_inputs({"low_res": "a"}, None) == ""


def test_paths_mean_the_same_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute("a/b.tif") == str(Path.cwd() / "a" / "b.tif")
    assert absolute("/a/b.tif") == "/a/b.tif"
    assert absolute("s3://bucket/b.zarr") == "s3://bucket/b.zarr"
