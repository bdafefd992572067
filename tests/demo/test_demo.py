import json

import pytest

from mesofuse.cli.main import main
from mesofuse.demo import demo
from mesofuse.demo.demo import Line, compare, image_edge
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.store.labels import LabelVolume

GRID = Grid((8, 8, 8))


def measured(name, fraction, area, consistency):
    results = [
        Measurement("volume-fraction", "pore", fraction, ""),
        Measurement("surface-area", "pore | active", area, ""),
        Measurement("low-res-consistency", "all", consistency, ""),
        Measurement("low-res-consistency", "phase 0", 0.5, ""),
    ]
    found = Measured(name, GRID)
    found.results += results
    return found


def verdicts(*values, rival=(0.6, 0.3, 0.9)):
    lines = compare(measured("truth", 0.5, 0.2, 0.999), measured("fused", *values), measured("rival", *rival))
    return [line.verdict for line in lines]


def test_what_is_within_and_closer_is_met():
    assert verdicts(0.49, 0.18, 0.985) == ["met", "met", "met"]
    assert verdicts(0.516, 0.18, 0.985) == ["missed", "met", "met"]
    assert verdicts(0.49, 0.17, 0.985) == ["met", "missed", "met"]
    assert verdicts(0.49, 0.18, 0.979) == ["met", "met", "missed"]
    assert verdicts(0.49, 0.18, 0.99, rival=(0.505, 0.201, 0.9)) == ["not closer", "not closer", "met"]


def test_the_table_has_a_line_for_every_value():
    lines = compare(measured("t", 0.5, 0.2, 1), measured("f", 0.5, 0.2, 1), measured("r", 0.5, 0.2, 1))
    assert [(line.metric, line.label) for line in lines] == [
        ("volume-fraction", "pore"), ("surface-area", "pore | active"), ("low-res-consistency", "all"),
    ]  # fmt: skip
    assert isinstance(lines[0], Line)
    assert lines[0].limit == "± 1.5 points"
    assert lines[1].limit == "± 12 %"
    assert lines[2].limit == "≥ 98 %"


def test_textures_are_held_against_that_of_a_part_of_the_truth():
    def textures(distance):
        found = Measured("one", GRID)
        found.results += [
            Measurement("pattern-distance", "spacing 1 | z", distance, "bit"),
            Measurement("pattern-distance-floor", "spacing 1 | z", 0.001, "bit"),
        ]
        return found

    def verdict(fused, rival):
        (line,) = compare(textures(0.003), textures(fused), textures(rival))
        assert line.limit == "≤ 2 × the truth's"
        return line.verdict

    assert [verdict(0.0059, 0.1), verdict(0.0061, 0.1), verdict(0.005, 0.004)] == ["met", "missed", "not closer"]
    assert demo.middle((256, 100, 40)) == Region((80, 2, 0), (176, 98, 40))


def test_sections_are_large_where_the_demo_is():
    assert [image_edge(size) for size in (64, 128, 256, 1024)] == [96, 192, 384, 384]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The smallest demo: an electrode of 64³ and two steps, with networks as they are."""
    out = tmp_path_factory.mktemp("demo") / "run"
    assert main(["demo", "--out", str(out), "--size", "64", "--steps", "2", "--quiet"]) == 0
    return out


def test_it_leaves_a_run_with_its_inputs_truth_and_rival(finished):
    assert {p.name for p in finished.iterdir()} == {
        "config.yaml", "inputs.json", "inputs", "model", "training", "fused.zarr", "interpolation.zarr", "metrics.json",
        "preview.png", "demo.png",
    }  # fmt: skip
    assert {p.name for p in (finished / "inputs").iterdir()} == {"scan.tif", "sections.tif", "truth.tif"}
    fused, rival = (LabelVolume.open(finished / f"{name}.zarr") for name in ("fused", "interpolation"))
    assert fused.grid.shape == rival.grid.shape == (64, 64, 64)
    assert fused.grid.voxel_size == pytest.approx((0.1, 0.1, 0.1))
    assert [p.name for p in fused.phases] == ["pore", "active", "binder"]


def test_the_run_can_be_gone_on_with_as_any_other(finished, capsys):
    digest = json.loads((finished / "model" / "model.json").read_text())["digest"]
    assert main(["train", str(finished / "config.yaml"), "--out", str(finished), "--resume", "--quiet"]) == 0
    assert digest[:12] in capsys.readouterr().out


def test_size_must_suit_the_scale(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "run"), "--size", "66"]) == 2
    assert "multiple of 4" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_mistake_leaves_the_earlier_demo(finished, capsys):
    before = sorted(finished.rglob("*"))
    for options in (["--minutes", "0"], ["--steps", "-1"], ["--device", "gpu"], ["--size", "70"]):
        assert main(["demo", "--out", str(finished), "--overwrite", *options]) == 2
        assert options[1] in capsys.readouterr().err
    assert main(["demo", "--out", str(finished)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert sorted(finished.rglob("*")) == before


def test_an_interruption_while_data_are_made_leaves_the_earlier_demo(finished, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    before = sorted(finished.rglob("*"))
    monkeypatch.setattr(demo, "make_scan", interrupt)
    assert main(["demo", "--out", str(finished), "--size", "64", "--overwrite", "--quiet"]) == 130
    assert sorted(finished.rglob("*")) == before
    assert [p.name for p in finished.parent.iterdir()] == [finished.name]
