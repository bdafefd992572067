import json
from html.parser import HTMLParser

import numpy as np
import pytest

from mesofuse.reporting.html import Content, Sheet, _sheet, escape, page, script_json
from mesofuse.reporting.viewer import Shown
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

HOSTILE = [
    "<!--<script>",
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a\x00\x1b[31m\u202eb\n",
]


class Page(HTMLParser):
    """Collects the elements of a page and the text of its script elements, as a browser's tokeniser cuts them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[-1] += data
        else:
            self.text += data


def report() -> Page:
    labels = np.random.default_rng(0).integers(0, 4, (6, 8, 8), dtype=np.uint8)
    volume = LabelArray(labels, Grid(labels.shape), default_phases(4, HOSTILE))
    hostile = "".join(HOSTILE)
    content = Content(
        title=hostile, lead=hostile, shown=tuple(Shown(name, volume) for name in HOSTILE),
        sheets=(Sheet("t" + hostile, ("metric", hostile), ((hostile, "1"), (hostile,)), caption=hostile),),
        checks=({"name": hostile, "status": hostile, "sentence": hostile},),
        provenance=((hostile, hostile),), citations=((hostile, hostile),), notes=(hostile,),
    )  # fmt: skip
    found = Page()
    found.feed(page(content))
    found.close()
    return found


def test_names_from_files_neither_add_elements_nor_break_the_data() -> None:
    found = report()
    data, script = found.scripts
    names = [panel["name"] for panel in json.loads(data)["z"]["panels"]]
    assert names == HOSTILE
    assert "<" not in data
    assert "JSON.parse" in script
    images = [attributes for tag, attributes in found.elements if tag == "img"]
    assert len(images) == len(HOSTILE)
    assert not any("onerror" in attributes for _, attributes in found.elements)


def test_no_control_character_is_in_the_page() -> None:
    found = report()
    assert not {"\x00", "\x1b", "\u202e"} & set(found.text + "".join(found.scripts))
    assert "a\\x00\\x1b[31m\\u202eb\\n" in found.text


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_json_is_the_same_json(text: str) -> None:
    assert json.loads(script_json({text: [text]})) == {text: [text]}
    assert "<" not in script_json(text)
    assert not set('<>"') & set(escape(text))


def test_a_table_has_its_footnotes_below_it():
    sheet = Sheet("Values", ["quantity", "a"], [["τ", "∞ [1]"]], notes=["[1] The phase <z> is blocked."])
    text = _sheet(sheet)
    assert text.index("∞ [1]") < text.index("[1] The phase &lt;z&gt; is blocked.")
