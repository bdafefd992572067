import threading

import pytest

from mesofuse.volumes.lock import alone, clear_dead


def test_the_lock_file_goes_whatever_happens(tmp_path):
    def fail():
        with alone(tmp_path / "new" / "a.zarr", lambda: None):
            assert [p.name for p in (tmp_path / "new").iterdir()] == [".a.zarr.lock"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list((tmp_path / "new").iterdir()) == []


def test_a_file_left_by_a_kill_is_no_claim(tmp_path):
    (tmp_path / ".a.zarr.lock").touch()
    waited = []
    with alone(tmp_path / "a.zarr", lambda: waited.append(1)):
        pass
    assert waited == []
    assert list(tmp_path.iterdir()) == []


def test_the_second_waits_for_the_first_and_then_holds_it(tmp_path):
    order, busy = [], threading.Event()

    def second():
        with alone(tmp_path / "a", busy.set):
            order.append("second")

    with alone(tmp_path / "a", lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        assert busy.wait(60)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_waiting_gives_up_the_claim(tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    with alone(tmp_path / "a", lambda: None):
        with pytest.raises(KeyboardInterrupt), alone(tmp_path / "a", interrupt):
            pass
        assert [p.name for p in tmp_path.iterdir()] == [".a.lock"]


def test_locks_that_nobody_holds_are_cleared(tmp_path):
    (tmp_path / ".dead.lock").write_text("")
    with alone(tmp_path / "held", lambda: None):
        clear_dead(tmp_path)
        assert [p.name for p in tmp_path.iterdir()] == [".held.lock"]
