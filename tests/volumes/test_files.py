import os
import threading

import pytest

from mesofuse.errors import UserError
from mesofuse.volumes import files
from mesofuse.volumes.files import check_free, discard, own_name, recover, replacing


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "a.txt"
    with replacing(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
    assert target.read_text() == "half"
    assert os.listdir(target.parent) == ["a.txt"]


@pytest.mark.parametrize("folder", [False, True])
def test_a_failure_leaves_the_old_and_nothing_else(tmp_path, folder):
    target = tmp_path / "a"
    (target / "old").mkdir(parents=True) if folder else target.write_text("old")

    def fail():
        with replacing(target) as temporary:
            temporary.mkdir() if folder else temporary.write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert os.listdir(tmp_path) == ["a"]
    assert os.listdir(target) == ["old"] if folder else target.read_text() == "old"


def test_a_folder_replaces_a_folder(tmp_path):
    target = tmp_path / "a"
    (target / "old").mkdir(parents=True)
    with replacing(target) as temporary:
        (temporary / "new").mkdir(parents=True)
    assert os.listdir(target) == ["new"]
    assert os.listdir(tmp_path) == ["a"]


def test_a_taken_name_needs_overwrite(tmp_path):
    check_free(tmp_path / "deep" / "b", overwrite=False)
    (tmp_path / "a").write_text("")
    with pytest.raises(UserError, match=r"a exists already.*--overwrite"):
        check_free(tmp_path / "a", overwrite=False)
    check_free(tmp_path / "a", overwrite=True)


def test_a_file_in_the_way_is_said(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(UserError, match="is a file, not a folder"):
        check_free(tmp_path / "a" / "b.tif", overwrite=False)


def test_what_a_kill_left_is_undone(tmp_path):
    """A file that was being written, a folder that was replaced, and one that was moved aside and not replaced yet."""
    (tmp_path / ".0123abcd.partial.a.json").write_text("half")
    (tmp_path / "done").mkdir()
    for name in (".0123abcd.old.done", ".0123abcd.old.moved", ".4567cdef.partial.moved"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    (tmp_path / ".hidden.old").write_text("a user's own")
    recover(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".hidden.old", "done", "moved"]
    assert (tmp_path / "moved" / "file").read_text() == ".0123abcd.old.moved"
    assert not list((tmp_path / "done").iterdir())
    recover(tmp_path / "none")


def test_what_killed_writers_left_goes_with_the_next_and_nothing_else(tmp_path):
    left = [
        ".01234567.partial.a.tif",
        ".01234567.partial.a.tif.folder",
        ".89abcdef.old.a.tif",
        ".89abcdef.partial.a.tif",
    ]
    kept = [".01234567.partial.b.tif", ".mine.partial.a.tif", "a.tif.bak", ".01234567.partial.xa.tif"]
    for name in (*left[1:], *kept, "a.tif"):
        (tmp_path / name).write_text("x")
    (tmp_path / left[0]).mkdir()
    (tmp_path / left[0] / "half").write_text("x")
    with replacing(tmp_path / "a.tif") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a.tif").read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, "a.tif"])


def test_what_was_moved_aside_for_a_successor_that_never_came_is_put_back(tmp_path):
    (tmp_path / ".01234567.old.a").mkdir()
    (tmp_path / ".01234567.old.a" / "years").write_text("of work")
    with pytest.raises(UserError, match="a exists already"), replacing(tmp_path / "a", overwrite=False):
        raise AssertionError
    assert (tmp_path / "a" / "years").read_text() == "of work"
    assert os.listdir(tmp_path) == ["a"]


def test_the_longest_name_can_be_replaced(tmp_path):
    path = tmp_path / ("ü" * 125 + ".tiff")
    for text in ("first", "second"):
        with replacing(path) as temporary:
            assert temporary.suffix == ".tiff"
            temporary.write_text(text)
        assert path.read_text() == text
    assert os.listdir(tmp_path) == [path.name]


def test_one_replaces_a_path_at_a_time(tmp_path):
    order, busy = [], threading.Event()

    def second():
        with replacing(tmp_path / "a", busy=busy.set) as temporary:
            order.append("second")
            temporary.write_text("second")

    with replacing(tmp_path / "a") as temporary:
        thread = threading.Thread(target=second)
        thread.start()
        assert busy.wait(60)
        order.append("first")
        temporary.write_text("first")
    thread.join(60)
    assert order == ["first", "second"]
    assert (tmp_path / "a").read_text() == "second"
    assert os.listdir(tmp_path) == ["a"]


def test_names_of_temporary_paths_are_those_that_they_are_to_have(tmp_path):
    for name in ("a.zarr", ".01234567.partial.a.zarr", ".01234567.partial.a.zip.zarr", ".01234567.partial.a.zarr.zip"):
        assert own_name(tmp_path / name) == "a"
    assert own_name(tmp_path / "a.01.partial") == "a.01.partial"


def test_a_folder_is_discarded_whole_or_left_to_be_recovered(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("x")
    monkeypatch.setattr(files.shutil, "rmtree", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        discard(tmp_path / "a")
    monkeypatch.undo()
    assert not (tmp_path / "a").exists()
    recover(tmp_path)
    discard(tmp_path / "a")
    assert not list(tmp_path.iterdir())
