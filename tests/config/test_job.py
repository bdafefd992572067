import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.config.job import JobConfig, dump_job, load_job, make_job
from mesofuse.config.method import merged, resolve_method
from mesofuse.errors import UserError

DATA = {"low_res": "/a.tif", "high_res": "/b.tif", "scale": 4}


def test_defaults_are_resolved_in_full():
    job = make_job(DATA, "a test").resolved()
    assert job.method["name"] == "superres"
    fine = {"name", "channels", "middle", "narrow", "last", "depth", "noise", "fine_noise", "skip"}
    assert job.method["generator"].keys() == fine
    assert {part["name"] for part in job.method["losses"]} == {"patterns", "voxelwise"}
    assert all(len(part) > 1 for part in job.method["losses"])
    assert job.resolved() == job


positive = st.floats(0.01, 1e3)
jobs = st.builds(
    dict,
    low_res=st.just("/a.tif"),
    high_res=st.sampled_from(["/b.tif", "s3://bucket/b.zarr"]),
    scale=st.one_of(st.floats(1, 32), st.lists(st.floats(1, 32), min_size=3, max_size=3), st.just("4,4,2")),
    phases=st.lists(st.text("abcäß: #-", min_size=1), max_size=3),
    shows=st.none() | st.dictionaries(st.sampled_from(["0", "1", "pore: x"]), st.lists(st.text("01ab"), max_size=3)),
    voxel_size=st.one_of(st.none(), positive, st.lists(positive, min_size=3, max_size=3), st.just("0.4,0.4,1")),
    image_pixel_size=st.none() | positive | st.tuples(positive, positive),
    unit=st.sampled_from([None, "nm", "micrometer", "µm"]),
    seed=st.integers(0, 2**64 - 1),
    steps=st.none() | st.integers(1, 10**6),
    minutes=st.none() | positive,
    device=st.sampled_from(["auto", "cuda:1"]),
)


@settings(max_examples=40, deadline=None)
@given(jobs)
def test_a_job_survives_its_file(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("job") / "config.yaml"
    job = make_job(data, "a test")
    path.write_text(dump_job(job), encoding="utf-8")
    assert load_job(path) == job
    assert make_job(job.model_dump(), "itself") == job


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scale": 0.5}, "each at least 1"),
        ({"scale": float("nan")}, "scale factor"),
        ({"scale": [4, 4]}, "scale factor"),
        ({"scale": True}, "scale factor"),
        ({"image_pixel_size": [1, 2, 3]}, "pixel size"),
        ({"voxel_size": 0}, "voxel size"),
        ({"voxel_size": [1, 2]}, "voxel size"),
        ({"voxel_size": {"z": 1}}, "voxel size"),
        ({"unit": "parsec"}, "unit of length"),
        ({"unit": 3}, "'unit'"),
        ({"seed": -1}, "'seed'"),
        ({"seed": 2**64}, "'seed'"),
        ({"steps": 0}, "'steps'"),
        ({"minutes": 0}, "'minutes'"),
        ({"minutes": float("inf")}, "'minutes'"),
        ({"stpes": 1}, "Did you mean 'steps'?"),
        ({"shows": {"0": "pore"}}, "'shows.0'"),
    ],
    ids=str,
)
def test_a_wrong_value_is_one_sentence(change, words):
    with pytest.raises(UserError) as caught:
        make_job(DATA | change, "job.yaml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_phases_of_the_scan_may_be_numbers_without_quotes():
    """As YAML reads them."""
    job = make_job({"low_res": "a.tif", "high_res": "b.tif", "shows": {0: ["pore"], 1: ["a", "b"]}}, "the test")
    assert job.shows == {"0": ("pore",), "1": ("a", "b")}


def test_presets_and_overrides():
    _, slim = resolve_method("superres", "slim", {})
    _, plain = resolve_method("superres", None, {})
    _, patterns = resolve_method("superres", "patterns", {})
    assert plain == patterns != slim
    assert (patterns.critic, patterns.labels.choice) == (None, "drawn")
    # A whole recipe, as a configuration of an earlier version holds, lacks what the preset has beyond it.
    whole = {k: v for k, v in slim.model_dump(mode="json").items() if k != "labels"}
    assert resolve_method("superres", None, whole)[1] == slim
    _, paper = resolve_method("superres", "paper", {"batch": {"volumes": 3}})
    assert (paper.batch.volumes, paper.batch.real) == (3, 64)
    with pytest.raises(UserError, match="Did you mean 'paper'"):
        resolve_method("superres", "papr", {})
    with pytest.raises(UserError, match="Valid: none"):
        resolve_method("interpolation", "slim", {})


def test_parts_are_checked_before_anything_runs():
    def resolved(**method):
        return make_job(DATA | {"method": {"name": "superres", **method}}, "a test").resolved().method

    with pytest.raises(UserError, match="Did you mean 'voxelwise'"):
        resolved(losses=[{"name": "voxelwize"}])
    with pytest.raises(UserError, match="Did you mean 'weight'"):
        resolved(losses=[{"name": "voxelwise", "wieght": 2}])
    assert resolved(degradation=None)["degradation"] is None
    assert resolved(preset="paper")["generator"] == {"name": "superres", "width": 8, "blocks": 1}


def test_merged_goes_into_mappings_and_replaces_other_components():
    base = {"a": 1, "part": {"name": "x", "size": 1, "deep": {"p": 1, "q": 2}}}
    assert merged(base, {"part": {"deep": {"q": 3}}})["part"] == {"name": "x", "size": 1, "deep": {"p": 1, "q": 3}}
    assert merged(base, {"part": {"name": "x", "size": 2}})["part"]["deep"] == {"p": 1, "q": 2}
    assert merged(base, {"part": {"name": "y"}}) == {"a": 1, "part": {"name": "y"}}
    assert merged(base, {"part": None})["part"] is None
    assert base["part"]["deep"] == {"p": 1, "q": 2}


def test_the_schema_names_every_field():
    properties = JobConfig.model_json_schema()["properties"]
    assert all(p.get("description") for p in properties.values())
