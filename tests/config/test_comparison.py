from __future__ import annotations

import pytest

from mesofuse.config.comparison import dump_comparison, load_comparison, make_comparison
from mesofuse.errors import UserError

BASE = {"low_res": "a.tif", "high_res": "b.tif", "scale": 4}


def test_entries_are_named_after_what_they_are():
    entries = [
        {"method": {"name": "superres", "preset": "slim"}},
        {"model": "/runs/first/model"},
        {"volume": "/data/theirs.tif"},
        {"name": "mine", "volume": "/data/x.tif"},
    ]
    config = make_comparison({**BASE, "compare": entries}, "here")
    assert [e.name for e in config.compare] == ["superres-slim", "first", "theirs", "mine"]


def test_a_file_reads_back_as_it_was_written(tmp_path):
    text = "low_res: a.tif\nhigh_res: b.tif\nscale: 4\ncompare: [interpolation, {volume: t.tif}]\n"
    (tmp_path / "c.yaml").write_text(text, "utf-8")
    config = load_comparison(tmp_path / "c.yaml").resolved()
    assert config.compare[1].volume == str(tmp_path / "t.tif")
    (tmp_path / "d.yaml").write_text(dump_comparison(config), "utf-8")
    assert load_comparison(tmp_path / "d.yaml") == config


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"compare": []}, "compare"),
        ({"compare": [{"name": "x"}]}, "exactly one"),
        ({"compare": [{"volume": "a.tif", "model": "b"}]}, "exactly one"),
        ({"compare": [{"volume": "a/x.tif"}, {"volume": "b/x.tif"}]}, "two are called"),
        ({"compare": [{"name": "../up", "volume": "x.tif"}]}, "letters"),
        ({"compare": [{"name": "image", "volume": "x.tif"}]}, "kept"),
        ({"compare": [{"volume": "x.tif"}], "subvolums": 3}, "subvolumes"),
        ({"compare": [{"volume": "x.tif"}], "subvolumes": 0}, "subvolumes"),
    ],
)
def test_mistakes_are_one_sentence(change, word):
    with pytest.raises(UserError, match=word):
        make_comparison({**BASE, **change}, "here")
