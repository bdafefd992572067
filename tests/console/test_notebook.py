import sys
import types

import pytest

from mesofuse.console import notebook
from mesofuse.console.progress import ProgressPrinter, SampleBars
from mesofuse.interfaces.events import TileDone


@pytest.fixture
def shown(monkeypatch):
    """A notebook that keeps what it shows; the last entry is what a reader sees."""
    pages = []

    class Handle:
        def update(self, page):
            pages.append(page)

    def display(page, display_id):
        assert display_id
        pages.append(page)
        return Handle()

    shell = types.SimpleNamespace(kernel=object())
    frontend = types.SimpleNamespace(HTML=str, display=display)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell, display=frontend))
    monkeypatch.setitem(sys.modules, "IPython.display", frontend)
    return pages


def test_bars_and_sentences_are_one_piece_of_html(shown):
    assert notebook.here()
    with ProgressPrinter() as progress:
        progress.say("Checking <the> inputs")
        progress.emit(TileDone(1, 4, 10))
        progress.emit(TileDone(4, 4, 10))
    assert "Checking &lt;the&gt; inputs" in shown[-1]
    assert 'value="1.0000"' in shown[-1]
    assert shown[-1].count("<progress") == 1


def test_measuring_shows_a_bar_a_volume(shown):
    with SampleBars(brief=True) as bars:
        bars.update("fused", 1, 2)
        bars.update("image", 1, 1)
    assert shown[-1].count("<progress") == 2
    assert "fused 50%" in shown[-1]


def test_quiet_shows_nothing(shown):
    with ProgressPrinter(quiet=True) as progress:
        progress.emit(TileDone(1, 4, 10))
    assert shown == []


def test_elsewhere_there_is_no_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not notebook.here()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    assert not notebook.here()
