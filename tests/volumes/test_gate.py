import threading

import pytest

from mesofuse.volumes.gate import give_up, reopen, writing


def test_nothing_is_written_below_a_folder_that_was_given_up(tmp_path):
    give_up(tmp_path / "a")
    with pytest.raises(InterruptedError, match="given up"), writing(tmp_path / "a" / "0"):
        pass
    with writing(tmp_path / "ab"):
        pass
    reopen(tmp_path / "a")
    with writing(tmp_path / "a" / "0"):
        pass


def test_giving_up_waits_for_those_who_write(tmp_path):
    order, inside, go = [], threading.Event(), threading.Event()

    def write():
        with writing(tmp_path / "a" / "0"):
            inside.set()
            assert go.wait(60)
            order.append("written")

    def leave():
        give_up(tmp_path / "a")
        order.append("given up")

    writer, leaver = threading.Thread(target=write), threading.Thread(target=leave)
    writer.start()
    assert inside.wait(60)
    leaver.start()
    go.set()
    writer.join(60)
    leaver.join(60)
    reopen(tmp_path / "a")
    assert order == ["written", "given up"]
