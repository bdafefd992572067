"""Comparisons and reports where there is an image for each direction, and where there is no scan."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from mesofuse.cli.main import main
from mesofuse.comparison import entry as comparison_entry
from mesofuse.comparison import run as comparison
from mesofuse.config.comparison import make_comparison
from mesofuse.errors import UserError
from mesofuse.models.package import save_package
from mesofuse.pipeline.inputs import open_inputs
from mesofuse.volumes.formats.catalogue import write_labels
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

NAMES = ("pore", "fibre")


def fibres(seed, shape=(40, 40, 40)):
    """A medium whose structures are long along x."""
    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), (1.5, 1.5, 6))
    return LabelArray((field > np.median(field)).astype(np.uint8), Grid(shape), default_phases(2, NAMES))


def stack(array):
    return LabelArray(np.ascontiguousarray(array), Grid(array.shape), default_phases(2, NAMES))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    other = fibres(1).array
    write_labels(fibres(0), folder / "truth.tif")
    write_labels(stack(other[::8]), folder / "long.tif")
    write_labels(stack(np.moveaxis(other, 2, 0)[::8]), folder / "spots.tif")
    write_labels(stack(fibres(0).array[::4, ::4, ::4]), folder / "scan.tif")
    return folder


def arguments(inputs, out, *more, scan=True):
    given = ["--high-res", f"zy={inputs / 'long.tif'}", "--high-res", f"x={inputs / 'spots.tif'}"]
    given += ["--low-res", str(inputs / "scan.tif"), "--scale", "4"] if scan else []
    given += ["--volume", str(inputs / "truth.tif"), "--metrics", "volume-fraction,surface-area,chord-length"]
    return [
        "compare",
        *given,
        "--phases",
        ",".join(NAMES),
        "--subvolumes",
        "48",
        "--size",
        "16",
        "--out",
        str(out),
        "-q",
        *more,
    ]


@pytest.fixture(scope="module")
def compared(inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "cmp"
    assert main(arguments(inputs, out)) == 0
    return out


def values(out):
    found = json.loads((out / "comparison.json").read_text("utf-8"))
    return {
        (line["metric"], line["label"]): dict(zip(found["columns"], line["entries"], strict=True))
        for line in found["table"]
    }


def test_planes_are_compared_with_the_image_of_their_direction(compared):
    found = values(compared)
    along, across = (found["chord-length", f"fibre | {axis}"] for axis in "xy")
    assert along["image"]["mean"] > 1.4 * across["image"]["mean"]
    assert along["truth"]["mean"] > 1.4 * across["truth"]["mean"]
    for normal in ("z, y", "x"):
        entry = found["surface-area", f"pore | fibre (normal to {normal})"]
        assert abs(entry["truth"]["relative"]) < 0.3
    long, spots = (found["surface-area", f"pore | fibre (normal to {n})"]["image"]["mean"] for n in ("z, y", "x"))
    assert spots > 1.2 * long
    assert found["surface-area", "pore | fibre"]["image"]["mean"] == pytest.approx((2 * long + spots) / 3)


def test_report_draws_each_direction(compared, tmp_path, monkeypatch):
    monkeypatch.setenv("MESOFUSE_NO_VTK", "1")
    given = ["report", str(compared), "--out", str(tmp_path / "r.html"), "--figures", str(tmp_path / "f"), "-q"]
    assert main(given) == 0
    assert {f"two-point-correlation-{axis}.pdf" for axis in "zyx"} <= {p.name for p in (tmp_path / "f").iterdir()}
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "normal to z, y" in text
    assert "high-res x" in text


def test_without_a_scan_volumes_are_measured_and_drawn(inputs, tmp_path, monkeypatch):
    monkeypatch.setenv("MESOFUSE_NO_VTK", "1")
    assert main(arguments(inputs, tmp_path / "cmp", scan=False)) == 0
    assert not any(metric == "low-res-consistency" for metric, _ in values(tmp_path / "cmp"))
    assert main(["report", str(tmp_path / "cmp"), "-q"]) == 0
    text = (tmp_path / "cmp" / "report.html").read_text("utf-8")
    assert "from the image alone" in text
    assert "Agreement with the scan" not in text


def test_mistakes(inputs, tmp_path, capsys):
    for more, word in [
        (("--method", "interpolation"), "needs a scan"),
        (("--high-res", f"y={inputs / 'long.tif'}"), "exactly one image"),
        (("--scale", "4"), "--low-res"),
    ]:
        assert main(arguments(inputs, tmp_path / "cmp", *more, scan=False)) == 2
        assert word in capsys.readouterr().err
        assert not (tmp_path / "cmp").exists()


def test_phases_may_be_called_like_axes(inputs, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for file in inputs.glob("*.tif"):  # without the names of their phases
        tifffile.imwrite(bare / file.name, tifffile.imread(file), photometric="minisblack")
    found = []
    for names in ("pore,fibre", "x,fibre"):
        given = arguments(bare, tmp_path / names)
        given[given.index("--phases") + 1] = names
        assert main(given) == 0
        found.append(values(tmp_path / names))
    plain, like_axis = found
    assert list(plain.values()) == list(like_axis.values())


def test_a_method_that_takes_no_scan_gets_the_images_alone(inputs, tmp_path, monkeypatch):
    fields = {
        "low_res": str(inputs / "scan.tif"), "high_res": str(inputs / "long.tif"), "scale": 4, "phases": NAMES,
        "compare": [{"method": {"name": "interpolation"}}], "device": "cpu",
    }  # fmt: skip
    config = make_comparison(fields, "test").resolved()
    monkeypatch.setattr("mesofuse.config.comparison.takes_scan", lambda job: False)
    seen = {}

    def fit(job, given, folder, **more):
        seen.update(job=job, inputs=given)
        return SimpleNamespace(model=SimpleNamespace(problem=given.problem))

    monkeypatch.setattr(comparison_entry, "fit_job", fit)
    monkeypatch.setattr(comparison_entry, "apply_model", lambda *a, **more: seen.update(applied=a, size=more["size"]))
    progress = SimpleNamespace(emit=None, say=lambda text: None)
    folder = tmp_path / "entry"
    comparison_entry.run_entry(config, config.compare[0], open_inputs(config), folder, progress, (40, 40, 40))
    assert seen["job"].low_res is None
    assert seen["job"].scale is None
    assert seen["inputs"].low_res is None
    assert seen["inputs"].problem.low_phases == ()
    assert seen["applied"][1] is None
    assert seen["size"] == (40, 40, 40)
    assert comparison_entry.read_usage(folder).finished


def test_what_is_made_without_the_scan_is_not_compared_with_it(inputs, tmp_path, monkeypatch, capsys):
    def make(folder, entry, size, *, quiet):
        write_labels(fibres(2), folder / entry.name / comparison_entry.VOLUME, overwrite=True)
        return comparison_entry.Usage(finished=True)

    monkeypatch.setattr(comparison, "make_volume", make)
    given = arguments(inputs, tmp_path / "cmp", "--method", "slicegan")
    assert main(given) == 0
    assert "slicegan: low-res-consistency was not measured. It takes no scan." in capsys.readouterr().out
    entry = values(tmp_path / "cmp")["low-res-consistency", "all"]
    assert 0.6 < entry["truth"]["whole"] <= 1
    assert entry["slicegan"]["whole"] is None
    found = json.loads((tmp_path / "cmp" / "comparison.json").read_text("utf-8"))
    assert found["skipped"]["slicegan"] == {"low-res-consistency": "It takes no scan."}


def test_a_package_says_whether_it_takes_the_scan(inputs, tiny_model, tmp_path):
    model, options = tiny_model(high=2)
    save_package(tmp_path / "scanned", model, "superres", options, {})
    fields = {
        "low_res": str(inputs / "scan.tif"), "high_res": str(inputs / "long.tif"), "scale": 4, "phases": NAMES,
        "compare": [
            {"model": str(tmp_path / "scanned")}, {"volume": str(inputs / "truth.tif")},
            {"method": {"name": "interpolation"}}, {"method": {"name": "slicegan"}},
        ],
    }  # fmt: skip
    config = make_comparison(fields, "test").resolved()
    takes = [comparison_entry.entry_takes_scan(config, entry) for entry in config.compare]
    assert takes == [True, True, True, False]


def test_a_method_that_needs_the_scan_is_refused_without_one(inputs):
    fields = {"high_res": str(inputs / "long.tif"), "compare": [{"method": {"name": "interpolation"}}]}
    with pytest.raises(UserError, match="needs a scan"):
        make_comparison(fields, "test").resolved()
