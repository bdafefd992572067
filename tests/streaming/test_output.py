import pytest

from mesofuse.errors import UserError
from mesofuse.streaming.output import alone, check_output, open_output
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume

GRID, PHASES, CHUNKS = Grid((16, 16, 16)), default_phases(2), (8, 8, 8)


def opened(out, job, **ways):
    return open_output(str(out), GRID, PHASES, CHUNKS, None, job, **ways)


def test_an_output_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    """A kill between its first and its last file leaves no volume that could be taken for one."""

    def killed(*args, **kwargs):
        assert not (tmp_path / "a.zarr").exists()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mesofuse.volumes.store.volume.create_array", killed)
        with pytest.raises(KeyboardInterrupt):
            opened(tmp_path / "a.zarr", {"seed": 1})
    assert not list(tmp_path.iterdir())
    volume = opened(tmp_path / "a.zarr", {"seed": 1}, resume=True)
    assert volume.provenance == {"seed": 1, "complete": False}
    assert volume.mode == "r+"
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_the_volume_is_named_after_its_place(tmp_path):
    volume = opened(tmp_path / "electrode.zarr", {})
    assert volume._ome["multiscales"][0]["name"] == "electrode"


def test_resume_takes_the_same_job_only(tmp_path):
    opened(tmp_path / "a.zarr", {"seed": 1, "versions": {"torch": "2"}})
    opened(tmp_path / "a.zarr", {"seed": 1, "versions": {"torch": "2"}}, resume=True)
    with pytest.raises(UserError, match=r"\(versions differ\)"):
        opened(tmp_path / "a.zarr", {"seed": 1, "versions": {"torch": "3"}}, resume=True)
    with pytest.raises(UserError, match="with others"):
        open_output(str(tmp_path / "a.zarr"), GRID, PHASES, (16, 16, 16), None, {"seed": 1}, resume=True)
    foreign = LabelVolume.create(tmp_path / "b.zarr", GRID, PHASES)
    with pytest.raises(UserError, match="another job"):
        opened(foreign.path, {"seed": 1}, resume=True)


def test_overwrite_begins_anew(tmp_path):
    first = opened(tmp_path / "a.zarr", {"seed": 1})
    for unit in list(first.missing()):
        first.write(unit, PHASES[0].value * first.array[unit.slices])
    assert not opened(tmp_path / "a.zarr", {"seed": 1}, overwrite=True).complete
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_checks(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="is a file"):
        check_output(str(tmp_path / "file" / "a.zarr"), resume=False, overwrite=False)
    with pytest.raises(UserError, match="leaves it alone"):
        check_output(str(tmp_path / "file"), resume=False, overwrite=True)
    check_output(str(tmp_path / "new" / "a.zarr"), resume=True, overwrite=False)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_claim_ends_with_an_error_and_what_a_kill_left_is_taken_over(tmp_path):
    (tmp_path / ".a.zarr.lock").touch()
    said = []
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), alone(str(tmp_path / "a.zarr"), said.append):
            raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
    assert not said


def test_remote_outputs_are_not_claimed():
    with alone("memory://bucket/a.zarr", print):
        pass
