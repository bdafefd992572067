import threading

import pytest

from mesofuse.config.job import dump_job, make_job
from mesofuse.errors import UserError
from mesofuse.pipeline.folder import check_folder, claimed, of_worth, run_folder

CONFIG = dump_job(make_job({"low_res": "/a.tif", "high_res": "/b.tif", "scale": 4}, "a test"))


def run_at(path, *more):
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(CONFIG)
    for name in more:
        (path / name).mkdir()
        (path / name / "file").write_text(name)
    return path


def fail(out, error, *, begun=False, overwrite=False):
    """A job that writes its configuration and fails, after it has begun or before."""
    with run_folder(out, overwrite=overwrite, resume=False) as begin:
        assert tree(out) == []
        (out / "config.yaml").write_text(CONFIG)
        if begun:
            begin()
        raise error


def tree(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("*"))


def test_a_new_folder_is_made_with_its_parents(tmp_path):
    with run_folder(tmp_path / "a" / "b", overwrite=False, resume=False) as begin:
        begin()
        (tmp_path / "a" / "b" / "config.yaml").write_text(CONFIG)
    assert tree(tmp_path) == ["a", "a/b", "a/b/config.yaml"]


@pytest.mark.parametrize("error", [UserError, KeyboardInterrupt, OSError])
def test_what_fails_before_it_begins_leaves_nothing(tmp_path, error):
    with pytest.raises(error):
        fail(tmp_path / "a" / "b", error)
    assert tree(tmp_path) == []


def test_an_empty_folder_stays_empty(tmp_path):
    with pytest.raises(UserError):
        fail(tmp_path, UserError)
    assert tmp_path.exists()
    assert tree(tmp_path) == []


def test_what_fails_later_stays(tmp_path):
    with pytest.raises(UserError):
        fail(tmp_path / "a", UserError, begun=True)
    assert tree(tmp_path) == ["a", "a/config.yaml"]


def test_overwrite_replaces_once_the_job_begins_and_not_before(tmp_path):
    out = run_at(tmp_path / "run", "model")
    with pytest.raises(UserError):
        fail(out, UserError, overwrite=True)
    assert tree(tmp_path) == ["run", "run/config.yaml", "run/model", "run/model/file"]
    with pytest.raises(UserError):
        fail(out, UserError, overwrite=True, begun=True)
    assert tree(tmp_path) == ["run", "run/config.yaml"]


def test_resume_touches_nothing_whatever_happens(tmp_path):
    out = run_at(tmp_path / "run", "training")
    with pytest.raises(UserError), run_folder(out, overwrite=False, resume=True):
        raise UserError
    assert tree(tmp_path) == ["run", "run/config.yaml", "run/training", "run/training/file"]


def test_strangers_are_left_alone(tmp_path):
    run_at(tmp_path / "run", "model", "notes")
    with pytest.raises(UserError, match="holds 'notes'"):
        check_folder(tmp_path / "run", overwrite=True, resume=False)
    check_folder(tmp_path / "run", overwrite=False, resume=True)
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "model").mkdir()
    for way in ({"overwrite": True, "resume": False}, {"overwrite": False, "resume": True}):
        with pytest.raises(UserError, match=r"holds no config\.yaml"):
            check_folder(tmp_path / "plain", **way)


def test_a_linked_folder_is_replaced_as_a_link(tmp_path):
    real = run_at(tmp_path / "real", "model")
    (tmp_path / "link").symlink_to(real)
    with run_folder(tmp_path / "link", overwrite=True, resume=False) as begin:
        begin()
    assert (tmp_path / "link").is_dir()
    assert not (tmp_path / "link").is_symlink()
    assert tree(real) == ["config.yaml", "model", "model/file"]


def test_two_runs_in_one_folder_come_one_after_the_other(tmp_path):
    order, waiting = [], threading.Event()

    def second():
        with run_folder(tmp_path / "run", overwrite=False, resume=True, say=lambda text: waiting.set()):
            order.append("second")

    with run_folder(tmp_path / "run", overwrite=False, resume=False):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(60)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_the_second_of_two_that_begin_at_once_is_refused(tmp_path):
    """It has seen no folder when it began, and finds a run in it once the first has ended."""
    waiting, caught = threading.Event(), []

    def second():
        try:
            with run_folder(tmp_path / "run", overwrite=False, resume=False, say=lambda text: waiting.set()):
                caught.append(None)
        except UserError as error:
            caught.append(str(error))

    with claimed(tmp_path / "run"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(60)
        run_at(tmp_path / "run", "model")
    thread.join(60)
    assert "exists already" in caught[0]


def test_a_claim_may_be_claimed_again_by_who_has_it(tmp_path):
    with claimed(tmp_path / "a" / "run"), claimed(tmp_path / "a" / "run"):
        assert tree(tmp_path) == ["a", "a/.run.lock"]
    assert tree(tmp_path) == []


def test_a_run_that_was_to_be_replaced_comes_back_where_the_new_one_was_killed_early(tmp_path):
    """Before the new one had made anything; one that had stays."""
    run_at(tmp_path / ".run.replaced", "model")
    run_at(tmp_path / "run")
    with claimed(tmp_path / "run"):
        assert tree(tmp_path) == [".run.lock", "run", "run/config.yaml", "run/model", "run/model/file"]
    run_at(tmp_path / ".run.replaced", "training")
    with claimed(tmp_path / "run"):
        assert (tmp_path / "run" / "model" / "file").exists()
    assert tree(tmp_path) == ["run", "run/config.yaml", "run/model", "run/model/file"]


def test_what_is_of_worth(tmp_path):
    out = run_at(tmp_path / "run")
    assert not of_worth(out)
    (out / "training" / "previews").mkdir(parents=True)
    (out / "training" / "metrics.csv").write_text("step")
    (out / "inputs.json").write_text("{}")
    (out / ".DS_Store").write_text("")
    assert not of_worth(out)
    check_folder(out, overwrite=False, resume=False)
    for name in ("fused.zarr", "model", "metrics.json", "training/checkpoint/checkpoint.safetensors"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("")
        assert of_worth(out)
        with pytest.raises(UserError, match="exists already"):
            check_folder(out, overwrite=False, resume=False)
        (out / name).unlink()
    assert not of_worth(tmp_path / "none")
