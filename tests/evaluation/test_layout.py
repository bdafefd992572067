import builtins

import pytest

from mesofuse.errors import UserError
from mesofuse.evaluation.layout import RULE, Layout, Tabular, file_name, pandas, without_repeats

SHOWN = Layout(
    ("metric", "of", "a\nb"), (("share", "pore | solid", "1.5 ± 0.1 %"), ("", "x_1", "−3"), RULE, ("sum", "", "2")),
    ("[1] a note",), "llr",
)  # fmt: skip


class Shown(Tabular):
    def layout(self):
        return SHOWN


def test_text_is_aligned_and_ruled():
    assert str(Shown()).splitlines() == [
        "metric  of                    a b",
        "---------------------------------",
        "share   pore | solid  1.5 ± 0.1 %",
        "        x_1                    −3",
        "---------------------------------",
        "sum                             2",
        "[1] a note",
    ]


def test_markdown_keeps_its_bars():
    lines = Shown().to_markdown().splitlines()
    assert lines[:3] == ["| metric | of | a b |", "| --- | --- | ---: |", "| share | pore \\| solid | 1.5 ± 0.1 % |"]
    assert lines[-2:] == ["", "[1] a note"]


def test_latex_escapes_and_ruled():
    lines = Shown().to_latex().splitlines()
    assert lines[0] == r"\begin{tabular}{llr}"
    assert r"share & pore \textbar{} solid & 1.5 $\pm$ 0.1 \% \\" in lines
    assert r" & x\_1 & $-$3 \\" in lines
    assert lines.count(r"\midrule") == 2
    assert lines[-1] == "% [1] a note"


def test_html_escapes():
    layout = Layout(("<b>",), (("1 < 2",),), (), "l")
    assert "&lt;b&gt;" in layout.html()
    assert "1 &lt; 2" in layout.html()
    assert '<td style="text-align:right">2</td>' in Shown()._repr_html_()


def test_a_file_is_called_by_its_name():
    assert [file_name(path) for path in ("a/b/fused.zarr/", "fused.zarr", "https://host/x.zarr")] == [
        "fused.zarr", "fused.zarr", "x.zarr",
    ]  # fmt: skip


def test_without_pandas_a_sentence_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **more):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match="pip install pandas"):
        pandas()


def test_a_row_that_begins_as_the_one_above_leaves_that_out():
    rows = [("a", "1"), ("a", "2"), ("b", "3"), ("a", "4")]
    assert without_repeats(rows) == [("a", "1"), ("", "2"), ("b", "3"), ("a", "4")]
