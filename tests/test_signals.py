import os
import signal
import threading

import click
import pytest

from mesofuse.signals import INTERRUPTED, TERMINATED, Terminated, exit_code, terminating


def raised(function):
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        function()
    return caught.value


def test_sigterm_is_an_interrupt_for_the_time_of_the_block():
    before = signal.getsignal(signal.SIGTERM)
    with terminating(), pytest.raises(Terminated):
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_leave_signals_as_they_are():
    seen = []

    def look():
        with terminating():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]


def test_the_exit_code_says_which_signal_it_was():
    def aborted(kind):
        try:
            raise kind
        except KeyboardInterrupt as error:
            raise click.Abort from error

    assert exit_code(raised(lambda: aborted(Terminated))) == TERMINATED == 143
    assert exit_code(raised(lambda: aborted(KeyboardInterrupt))) == INTERRUPTED == 130
