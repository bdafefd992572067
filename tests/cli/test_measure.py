from __future__ import annotations

import json
import re

import numpy as np
import pytest
import tifffile

from mesofuse.cli.main import main
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume


@pytest.fixture
def labels():
    return np.random.default_rng(0).integers(0, 3, (12, 12, 12), dtype=np.uint8)


@pytest.fixture
def tiff(tmp_path, labels):
    path = tmp_path / "truth.tif"
    tifffile.imwrite(path, labels, photometric="minisblack")
    return str(path)


def zarr(path, labels, *, voxel=1.0, unit="micrometer", names=("pore", "active", "binder")):
    grid = Grid(labels.shape, (voxel,) * 3, unit)
    volume = LabelVolume.create(path, grid, default_phases(3, names), chunks=8)
    for region in grid.region.blocks((8, 8, 8)):
        volume.write(region, labels[region.slices])
    return str(path)


def as_json(capsys, *args: str) -> dict:
    assert main(["measure", *args, "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def entry(data: dict, metric: str, label: str, column: int) -> dict:
    (row,) = [r for r in data["table"] if (r["metric"], r["label"]) == (metric, label)]
    return row["cells"][column]


def fails(capsys, *args: str) -> str:
    assert main(["measure", *args]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return " ".join(error.split())


def test_table_of_a_tiff(tiff, capsys):
    assert main(["measure", tiff]) == 0
    out = capsys.readouterr().out
    assert "volume-fraction" in out
    assert "surface-area" in out


def test_zarr_against_tiff_borrows_the_names(tiff, labels, tmp_path, capsys):
    flipped = np.where(labels == 2, 0, labels).astype(np.uint8)
    data = as_json(capsys, zarr(tmp_path / "fused.zarr", flipped), "--reference", tiff)
    assert [v["volume"] for v in data["volumes"]] == [tiff, str(tmp_path / "fused.zarr")]
    cell = entry(data, "volume-fraction", "active", 1)
    assert cell["value"] == pytest.approx(np.mean(labels == 1))
    assert cell["error"] == 0
    assert entry(data, "volume-fraction", "binder", 1) == {"value": 0.0, "error": -1.0, "note": "", "reason": ""}


def test_json_file_and_table_together(tiff, tmp_path, capsys):
    target = tmp_path / "metrics.json"
    assert main(["measure", tiff, "--json", str(target), "--metrics", "volume-fraction", "--workers", "2"]) == 0
    assert "volume-fraction" in capsys.readouterr().out
    assert len(json.loads(target.read_text("utf-8"))["table"]) == 3
    assert [p.name for p in tmp_path.iterdir() if "metrics" in p.name] == ["metrics.json"]


def test_different_voxel_sizes_are_not_compared_by_faces(labels, tmp_path, capsys):
    fine = zarr(tmp_path / "fine.zarr", labels, voxel=0.5)
    coarse = zarr(tmp_path / "coarse.zarr", labels, voxel=2.0)
    data = as_json(capsys, coarse, "--reference", fine)
    assert entry(data, "volume-fraction", "pore", 1)["error"] == 0
    cell = entry(data, "surface-area", "pore | active", 1)
    assert cell["value"] > 0
    assert cell["error"] is None
    assert "voxel size" in cell["note"]
    assert main(["measure", coarse, "--reference", fine]) == 0
    assert "depends on the voxel size" in " ".join(capsys.readouterr().out.split())


def test_low_res_consistency(tmp_path, capsys):
    low = np.zeros((6, 6, 6), np.uint8)
    low[3:] = 1
    high = low.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    high[0, 0, 0] = 2
    tifffile.imwrite(tmp_path / "scan.tif", low, photometric="minisblack")
    fused = zarr(tmp_path / "fused.zarr", high)
    scan = ["--low-res", str(tmp_path / "scan.tif"), "--scale", "2", "--degradation", "area-average"]
    data = as_json(capsys, fused, *scan, "--shows", "0=pore,binder", "--shows", "1=active")
    assert entry(data, "low-res-consistency", "all", 0)["value"] == 1
    data = as_json(capsys, fused, *scan[:-2], "--metrics", "low-res-consistency")
    assert entry(data, "low-res-consistency", "all", 0)["value"] > 0.9
    assert "--scale" in fails(capsys, fused, *scan[:2])
    assert "LOW=NAME" in fails(capsys, fused, *scan, "--shows", "0")
    assert "Did you mean 'binder'" in fails(capsys, fused, *scan, "--shows", "0=pore,bindr", "--shows", "1=active")
    assert "blur-downsample" in fails(capsys, fused, *scan[:-1], "blur-downsampel")


def test_missing_phase_is_not_mistaken_for_another(tiff, labels, tmp_path, capsys):
    path = tmp_path / "part.tif"
    tifffile.imwrite(path, np.where(labels == 1, 0, labels).astype(np.uint8), photometric="minisblack")
    assert "--phases" in fails(capsys, str(path), "--reference", tiff)
    data = as_json(capsys, str(path), "--reference", tiff, "--phases", "pore,active,binder")
    assert entry(data, "volume-fraction", "active", 1)["value"] == 0
    assert entry(data, "volume-fraction", "binder", 1)["error"] == 0


def test_values_that_are_mapped_are_said(labels, tmp_path, capsys):
    path = tmp_path / "grey.tif"
    tifffile.imwrite(path, labels * 100, photometric="minisblack")
    assert main(["measure", str(path)]) == 0
    assert "100→1, 200→2" in capsys.readouterr().err


def test_stack_of_images(tmp_path, capsys):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(
        path, np.repeat(np.eye(2, dtype=np.uint8)[:, :1], 8, 1).reshape(2, 8, 1).repeat(8, 2), photometric="minisblack"
    )
    assert entry(as_json(capsys, str(path), "--stack"), "surface-area", "phase 0 | phase 1", 0)["value"] == 0
    assert entry(as_json(capsys, str(path)), "surface-area", "phase 0 | phase 1", 0)["value"] > 0


def test_unfinished_volume(labels, tmp_path, capsys):
    grid = Grid(labels.shape)
    volume = LabelVolume.create(tmp_path / "part.zarr", grid, default_phases(3), chunks=8)
    first = next(iter(grid.region.blocks((8, 8, 8))))
    volume.write(first, labels[first.slices])
    fails(capsys, str(tmp_path / "part.zarr"), "--json", str(tmp_path / "out.json"))
    assert not (tmp_path / "out.json").exists()


def test_many_phases_are_measured_or_refused_with_a_reason(tmp_path, capsys):
    names = ",".join(f"p{i}" for i in range(255))
    path = tmp_path / "many.tif"
    labels = np.random.default_rng(0).integers(0, 255, (9, 9, 9), dtype=np.uint8)
    tifffile.imwrite(path, labels, photometric="minisblack")
    named = fails(capsys, str(path), "--phases", names, "--metrics", "surface-area,triple-phase-boundary")
    assert "at most 8 phases" in named
    data = as_json(capsys, str(path), "--phases", names, "--metrics", "all", "--set", "tortuosity.axes=[]")
    assert "at most 8 phases" in data["volumes"][0]["skipped"]["triple-phase-boundary"]
    assert "at most 16 phases" in data["volumes"][0]["skipped"]["two-point-correlation"]
    assert len([row for row in data["table"] if row["metric"] == "surface-area"]) == 255 * 254 // 2
    assert main(["measure", str(path), "--phases", names]) == 0
    assert "rows of zeros are left out" in " ".join(capsys.readouterr().out.split())


def test_users_mistakes(tiff, tmp_path, capsys):
    assert "does not exist" in fails(capsys, str(tmp_path / "none.tif"))
    assert "Did you mean 'surface-area'" in fails(capsys, tiff, "--metrics", "surface-aera")
    assert "scale factor" in fails(capsys, tiff, "--low-res", tiff, "--scale", "nan")
    (tmp_path / "bad.tif").write_bytes(b"II*\x00")
    fails(capsys, str(tmp_path / "bad.tif"))
    assert "VOLUME" in fails(capsys)


def test_samples_against_a_reference(tiff, labels, tmp_path, capsys):
    fused = zarr(tmp_path / "fused.zarr", labels)
    draw = ["--samples", "6", "--size", "8", "--metrics", "volume-fraction,percolation,surface-area"]
    data = as_json(capsys, fused, "--reference", tiff, *draw)
    assert data["settings"] == {"count": 6, "size": 8, "seed": 0, "stack": False}
    cell = entry(data, "volume-fraction", "pore", 1)
    assert len(cell["values"]) == 6
    assert cell["summary"]["mean"] == pytest.approx(np.mean(cell["values"]))
    assert cell["distance"]["relative"] == 0
    assert cell["distance"]["wasserstein"] == 0
    assert entry(data, "volume-fraction", "pore", 0)["distance"] is None
    assert main(["measure", fused, "--reference", tiff, *draw]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "±" in out
    assert "95 %" in out
    assert "smaller than a subvolume" in fails(capsys, fused, "--samples", "4")
    assert "can't go together" in fails(capsys, fused, "--samples", "4", "--low-res", tiff)


def test_options_of_metrics(tiff, capsys):
    data = as_json(capsys, tiff, "--metrics", "percolation", "--set", "percolation.connectivity=26")
    by_corners = entry(data, "percolation", "phase 0 | z", 0)["value"]
    by_faces = entry(as_json(capsys, tiff, "--metrics", "percolation"), "percolation", "phase 0 | z", 0)["value"]
    assert by_corners > by_faces
    assert "METRIC.OPTION=VALUE" in fails(capsys, tiff, "--set", "connectivity=26")
    assert "not measured" in fails(capsys, tiff, "--set", "percolation.connectivity=26")
    assert "connectivity" in fails(capsys, tiff, "--metrics", "percolation", "--set", "percolation.conectivity=26")
    assert "connectivity" in fails(capsys, tiff, "--metrics", "percolation", "--set", "percolation.connectivity=7")


def test_voxel_size_is_for_files_that_state_none(tiff, labels, tmp_path, capsys):
    fused = zarr(tmp_path / "fused.zarr", labels, voxel=0.5)
    data = as_json(capsys, fused, tiff, "--voxel-size", "2", "--unit", "um", "--metrics", "specific-surface-area")
    values = [entry(data, "specific-surface-area", "pore | active", i)["value"] for i in range(2)]
    assert values[0] == pytest.approx(4 * values[1])


def test_files_that_lack_different_phases_are_not_taken_for_alike(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name, values in (("a", [0, 1]), ("b", [0, 2]), ("grey", [0, 255])):
        tifffile.imwrite(tmp_path / f"{name}.tif", rng.choice(values, (8, 8, 8)).astype(np.uint8))
    a, b, grey = (str(tmp_path / f"{name}.tif") for name in ("a", "b", "grey"))
    assert main(["measure", a, b]) == 2
    assert "which phase is missing" in capsys.readouterr().err
    assert main(["measure", a, grey]) == 0
    assert main(["measure", a, b, "--phases", "pore,active,binder", "--json", "-"]) == 0
    out = capsys.readouterr().out
    found = json.loads(out[out.index("{") :])
    fractions = {row["label"]: [c["value"] for c in row["cells"]] for row in found["table"]}
    assert fractions["active"][1] == 0 == fractions["binder"][0]


def test_one_subvolume_has_no_standard_error(tmp_path, capsys):
    tifffile.imwrite(tmp_path / "a.tif", np.random.default_rng(0).integers(0, 2, (8, 8, 8), dtype=np.uint8))
    assert main(["measure", str(tmp_path / "a.tif"), "--samples", "3", "--size", "8"]) == 0
    out = capsys.readouterr().out
    assert "± 0" not in out
    assert "no standard error" in out


def test_thin_volumes_images_and_truncated_stores_give_a_sentence_or_a_right_number(labels, tmp_path, capsys):
    np.save(tmp_path / "thin.npy", np.arange(64, dtype=np.uint8).reshape(8, 1, 8) % 2)
    assert main(["measure", str(tmp_path / "thin.npy"), "--metrics", "isotropy-error,euler-number"]) == 2
    capsys.readouterr()
    given = ["measure", str(tmp_path / "thin.npy"), "--metrics", "directional-covariance,euler-number", "--json", "-"]
    assert main(given) == 0
    (volume,) = json.loads(capsys.readouterr().out)["volumes"]
    assert all(r["value"] is None for r in volume["results"] if r["metric"] in ("isotropy-error", "euler-number"))
    np.save(tmp_path / "nan.npy", np.where(np.arange(64).reshape(4, 4, 4) == 3, np.nan, 1.0))
    assert main(["measure", str(tmp_path / "nan.npy")]) == 2
    assert "NaN" in capsys.readouterr().err


def test_a_record_is_gone_on_with_and_not_mistaken(tmp_path, monkeypatch, capsys):
    tifffile.imwrite(tmp_path / "a.tif", np.random.default_rng(0).integers(0, 2, (12, 12, 12), dtype=np.uint8))
    record = tmp_path / "record"
    given = ["measure", str(tmp_path / "a.tif"), "--samples", "5", "--size", "4", "--record", str(record)]
    assert main(given) == 0
    first = capsys.readouterr().out
    (file,) = record.iterdir()
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([*lines[:3], lines[3][:40]]), "utf-8")  # killed while the third was written
    assert main(given) == 0
    assert capsys.readouterr().out == first
    monkeypatch.setattr("mesofuse.evaluation.subvolumes.measure", lambda *a, **k: pytest.fail("measured again"))
    assert main(given) == 0
    assert main([*given, "--seed", "3"]) == 2
    assert "not the record" in capsys.readouterr().err
    assert main(["measure", str(tmp_path / "a.tif"), "--record", str(record)]) == 2
    assert "--samples" in capsys.readouterr().err


def marks(text: str) -> set[str]:
    return set(re.findall(r"\[\d+\]", text))


def shown(capsys, *args: str) -> tuple[str, set[str], set[str]]:
    """Return what is printed, the markers in the table, and those that begin a footnote."""
    assert main(["measure", *args]) == 0
    text = capsys.readouterr().out
    table = "\n".join(line for line in text.splitlines() if "│" in line)
    return text, marks(table), {line.split()[0] for line in text.splitlines() if line.startswith("[")}


def test_a_metric_asked_for_by_name_that_cant_be_measured_is_refused(tiff, labels, tmp_path, capsys):
    image = str(tmp_path / "image.tif")
    tifffile.imwrite(image, labels[0], photometric="minisblack")
    said = fails(capsys, image, "--metrics", "volume-fraction,tortuosity", "--json", str(tmp_path / "out.json"))
    assert "image.tif: the metric 'tortuosity' can't be measured: it needs a 3D volume" in said
    assert not (tmp_path / "out.json").exists()
    assert "'low-res-consistency' can't be measured" in fails(capsys, tiff, "--metrics", "low-res-consistency")
    assert "can't be measured" in fails(capsys, image, "--metrics", "percolation", "--samples", "3", "--size", "4")
    # What was not asked for by name is left out with its reason, as is what the reference alone can't have.
    assert "tortuosity was not measured. It needs a 3D volume" in shown(capsys, image, "--metrics", "all")[0]
    text, _, _ = shown(capsys, tiff, "--reference", image, "--metrics", "percolation")
    assert "image.tif: percolation was not measured. It needs a 3D volume" in text


def test_undefined_values_say_why_in_the_table_and_in_json(tmp_path, capsys):
    blocked = np.ones((12, 6, 6), np.uint8)
    blocked[:4, :3] = 0
    path = str(tmp_path / "blocked.npy")
    np.save(path, blocked)
    arguments = [path, "--phases", "pore,solid,binder", "--metrics", "tortuosity,local-thickness"]
    text, marked, notes = shown(capsys, *arguments)
    assert marked == notes == {"[1]", "[2]", "[3]"}
    assert "∞ [1]" in text
    assert "[1] The phase does not connect the faces normal to z." in text
    assert "undefined [3]" in text
    assert "[3] The phase is absent." in text
    data = as_json(capsys, *arguments)
    values = {(r["metric"], r["label"]): r for r in data["volumes"][0]["results"] if "value" in r}
    assert values["tortuosity", "pore | z"]["value"] == "inf"
    assert values["tortuosity", "pore | z"]["reason"] == "the phase does not connect the faces normal to z"
    assert values["local-thickness", "binder"]["value"] is None
    assert values["local-thickness", "binder"]["reason"] == "the phase is absent"
    assert entry(data, "local-thickness", "binder", 0)["reason"] == "the phase is absent"
    few = ["--samples", "4", "--size", "4"]
    text, marked, notes = shown(capsys, *arguments, *few)
    assert marked == notes
    assert "nowhere finite [" in text
    sampled = as_json(capsys, *arguments, *few)["table"]
    assert {row["cells"][0]["reason"] for row in sampled if row["label"] == "binder"} == {"the phase is absent"}


def test_every_footnote_has_its_marker(tiff, labels, tmp_path, capsys):
    # One file knows its voxel size, the other does not: what that leaves open stands beside the values it concerns.
    known = zarr(tmp_path / "known.zarr", labels)
    text, marked, notes = shown(capsys, known, "--reference", tiff, "--phases", "pore,active,binder")
    assert marked == notes == {"[1]"}
    assert "Voxel sizes are not known everywhere" in text
    assert "[1]" not in next(line for line in text.splitlines() if "volume-fraction" in line)


def test_a_metric_of_curves_alone_leaves_a_word(tiff, capsys):
    text, marked, notes = shown(capsys, tiff, "--metrics", "lineal-path")
    assert "lineal-path" in text
    assert "curves [1]" in text
    assert marked == notes
    assert "the JSON output has them" in text
    text, marked, notes = shown(capsys, tiff, "--metrics", "lineal-path", "--samples", "3", "--size", "5")
    assert "curves [1]" in text
    assert marked == notes


def test_subvolumes_of_a_volume_too_large_for_memory_are_measured(tiff, monkeypatch, capsys):
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("", (), {"available": 12**3 * 8}))
    assert "takes the whole volume at once" in fails(capsys, tiff, "--metrics", "percolation")
    sampled = as_json(capsys, tiff, "--metrics", "percolation", "--samples", "3", "--size", "5")
    assert {row["metric"] for row in sampled["table"]} == {"percolation"}
