import os

import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.files import check_free, recover, replacing


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
