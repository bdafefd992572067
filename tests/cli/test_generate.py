"""`mesofuse generate`: the same bytes however it is stored, cut, broken off or run twice at once."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tifffile

from mesofuse.cli.main import main
from mesofuse.models.package import load_package, save_package
from mesofuse.models.provenance import hash_labels, versions
from mesofuse.streaming import run
from mesofuse.streaming.output import alone
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Region
from mesofuse.volumes.store.labels import LabelVolume

LOW = blobs((13, 9, 11), 2, seed=4)


@pytest.fixture(scope="module")
def place(tiny_model, tmp_path_factory):
    """A folder with `model`, whose tiles are 4³ (16³ voxels of output), and `scan.tif`."""
    folder = tmp_path_factory.mktemp("generate")
    model, options = tiny_model()
    model.tile = (4, 4, 4)
    save_package(folder / "model", model, "superres", options, {})
    tifffile.imwrite(folder / "scan.tif", LOW.array, photometric="minisblack")
    return folder


def command(place, out, *more):
    return [
        "generate",
        str(place / "model"),
        str(place / "scan.tif"),
        str(out),
        "--seed",
        "5",
        "--quiet",
        *map(str, more),
    ]


def make(place, out, *more):
    assert main(command(place, out, *more)) == 0
    return read(out)


def read(out):
    volume = LabelVolume.open(out)
    return volume.read(volume.grid.region)


def digest(labels):
    return hashlib.sha256(labels.tobytes()).hexdigest()


def refused(capsys, *args):
    capsys.readouterr()
    assert main(list(map(str, args))) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return " ".join(captured.err.split())


@pytest.fixture(scope="module")
def reference(place, tmp_path_factory):
    return make(place, tmp_path_factory.mktemp("reference") / "a.zarr", "--chunks", "16")


@pytest.mark.parametrize(
    "options",
    [
        ["--chunks", "8"],
        ["--chunks", "25"],
        ["--chunks", "64", "--workers", "3"],
        ["--chunks", "8", "--shards", "16"],
        ["--chunks", "10", "--shards", "20", "--workers", "2"],
    ],
    ids=" ".join,
)
def test_storage_and_workers_change_no_byte(place, reference, tmp_path, options):
    assert digest(make(place, tmp_path / "a.zarr", *options)) == digest(reference)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_regions_are_parts_of_the_whole(place, reference, tmp_path):
    put = np.full_like(reference, 9)
    for i, text in enumerate(["0:20,:,:", "20:52,0:13,:", "20:52,13:,:7", "20:,13:36,7:44"]):
        region = Region.parse(text, reference.shape)
        put[region.slices] = make(place, tmp_path / f"{i}.zarr", "--region", text, "--chunks", "8")
    assert digest(put) == digest(reference)


def test_another_seed_gives_another_volume(place, reference, tmp_path):
    assert (make(place, tmp_path / "a.zarr", "--seed", "6") != reference).mean() > 0.01


def test_the_result_says_where_it_is_and_comes_from(place, tmp_path):
    make(place, tmp_path / "a.zarr", "--voxel-size", "1.2,0.8,0.8", "--unit", "nm")
    volume = LabelVolume.open(tmp_path / "a.zarr")
    assert volume.grid.shape == (52, 36, 44)
    assert volume.grid.voxel_size == pytest.approx((0.3, 0.2, 0.2))
    assert volume.grid.unit == "nanometer"
    assert [p.name for p in volume.phases] == ["phase 0", "phase 1", "phase 2"]
    assert volume.provenance == {
        "seed": 5,
        "region": "0:52,0:36,0:44",
        "projection": None,
        "periodic": None,
        "model": load_package(place / "model").digest,
        "method": "superres",
        "low_res_sha256": hash_labels(LOW),
        "versions": versions(),
        "complete": True,
    }


def test_levels_can_be_left_out(place, tmp_path):
    assert (
        main(["generate", str(place / "model"), str(place / "scan.tif"), str(tmp_path / "a.zarr"), "--no-levels"]) == 0
    )
    assert len(LabelVolume.open(tmp_path / "a.zarr").levels) == 1


@pytest.mark.parametrize("shape", [(1, 9, 11), (2, 2, 2), (1, 1, 1)])
def test_a_volume_smaller_than_a_tile_works(place, tmp_path, shape):
    tifffile.imwrite(tmp_path / "scan.tif", LOW.array[: shape[0], : shape[1], : shape[2]], photometric="minisblack")
    out = tmp_path / "a.zarr"
    assert main(["generate", str(place / "model"), str(tmp_path / "scan.tif"), str(out)]) == 0
    assert LabelVolume.open(out).grid.shape == tuple(4 * n for n in shape)


def test_a_part_without_some_phase_keeps_its_labels(place, tmp_path):
    """Only phase 1: the same voxels as from a volume that says that it has two phases."""
    labels = np.ones((5, 5, 5), np.uint8)
    tifffile.imwrite(tmp_path / "scan.tif", labels, photometric="minisblack")
    volume = LabelVolume.create(tmp_path / "scan.zarr", blobs((5, 5, 5), 2).grid, LOW.phases, chunks=16)
    volume.write(volume.grid.region, labels)
    for name in ("tif", "zarr"):
        assert (
            main(["generate", str(place / "model"), str(tmp_path / f"scan.{name}"), str(tmp_path / f"{name}.zarr")])
            == 0
        )
    np.testing.assert_array_equal(read(tmp_path / "tif.zarr"), read(tmp_path / "zarr.zarr"))


# --- what is there already ------------------------------------------------------------------------------------------


def test_what_is_there_is_kept_until_the_job_begins(place, reference, tmp_path, capsys, monkeypatch):
    out = tmp_path / "a.zarr"
    make(place, out)
    assert "exists already" in refused(capsys, *command(place, out))
    assert "give one of them" in refused(capsys, *command(place, out, "--overwrite", "--resume"))
    args = command(place, out, "--overwrite")
    assert "outside the volume" in refused(capsys, *args, "--region", "0:99,:,:")
    assert "There is no model" in refused(capsys, "generate", place / "none", *args[2:])
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, -(10**9)))
        assert "on disk" in refused(capsys, *args)
    assert digest(read(out)) == digest(reference)
    assert digest(make(place, out, "--overwrite", "--seed", "6")) != digest(reference)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_overwrite_deletes_no_stranger(place, tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    (tmp_path / "file.zarr").write_text("mine")
    for name in ("folder", "file.zarr"):
        assert "leaves it alone" in refused(capsys, *command(place, tmp_path / name, "--overwrite"))
        refused(capsys, *command(place, tmp_path / name, "--resume"))
    assert "is a file" in refused(capsys, *command(place, tmp_path / "file.zarr" / "a.zarr"))
    assert "is a zip" in refused(capsys, *command(place, tmp_path / "a.zarr.zip"))
    (tmp_path / "b.zarr.tiles.zarr").mkdir()
    (tmp_path / "b.zarr.tiles.zarr" / "notes.txt").write_text("mine")
    refused(capsys, *command(place, tmp_path / "b.zarr", "--chunks", "10"))
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file() and "b.zarr/" not in str(p)) == [
        "file.zarr", "notes.txt", "notes.txt",
    ]  # fmt: skip


def test_an_empty_folder_is_as_good_as_none(place, reference, tmp_path):
    (tmp_path / "a.zarr").mkdir()
    assert digest(make(place, tmp_path / "a.zarr")) == digest(reference)


def test_resume_of_another_job_is_refused(place, tmp_path, capsys):
    out = tmp_path / "a.zarr"
    make(place, out)
    assert "seed differ" in refused(capsys, *command(place, out, "--resume", "--seed", "6"))
    assert "region differ" in refused(capsys, *command(place, out, "--resume", "--region", "0:16,:,:"))
    assert "--chunks" in refused(capsys, *command(place, out, "--resume", "--chunks", "16"))


def test_a_damaged_chunk_is_mended_by_resume(place, reference, tmp_path):
    out = tmp_path / "a.zarr"
    make(place, out, "--chunks", "10")
    (out / "0" / "c" / "2" / "1" / "0").unlink()
    assert digest(make(place, out, "--chunks", "10", "--resume")) == digest(reference)


def test_tiles_that_another_job_left_are_not_taken(place, reference, tmp_path, monkeypatch):
    """A run with another seed leaves its tiles; its output is deleted, and a new one begun with --resume."""
    out, computed = tmp_path / "a.zarr", []
    original = run.compute_output

    def breaking(*args):
        if len(computed) == 5:
            raise KeyboardInterrupt
        computed.append(None)
        return original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(run, "compute_output", breaking)
        assert main(command(place, out, "--chunks", "10", "--workers", "1", "--seed", "6")) == 130
    assert (tmp_path / "a.zarr.tiles.zarr").exists()
    shutil.rmtree(out)
    assert digest(make(place, out, "--chunks", "10", "--resume")) == digest(reference)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


# --- kills and crowds -----------------------------------------------------------------------------------------------

SLOWED = """
import os, sys, time
from mesofuse.streaming import run
original = run.compute_output
def slowed(*args):
    time.sleep(0.01)  # so that the kill falls between tiles, whatever the machine
    return original(*args)
run.compute_output = slowed
from mesofuse.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def killed_after(arguments, folder, chunks):
    """Start a process, kill it with -9 when ``folder`` holds ``chunks`` chunks; return whether it was alive."""
    process = subprocess.Popen([sys.executable, "-c", SLOWED, *arguments], env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        while process.poll() is None:
            if sum(1 for p in folder.rglob("*") if p.is_file() and p.name.isdigit()) >= chunks:
                break
            time.sleep(0.01)
        alive = process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return alive


@pytest.mark.parametrize(("chunks", "watched"), [("16", "a.zarr"), ("10", "a.zarr.tiles.zarr")])
def test_killed_twice_and_resumed_gives_the_same_bytes(place, reference, tmp_path, chunks, watched):
    arguments = command(place, tmp_path / "a.zarr", "--chunks", chunks, "--resume", "--workers", "2")
    for wanted in (5, 17):
        assert killed_after(arguments, tmp_path / watched, wanted)
        assert LabelVolume.open(tmp_path / "a.zarr").provenance["complete"] is False
    assert digest(make(place, tmp_path / "a.zarr", "--chunks", chunks, "--resume")) == digest(reference)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize("chunks", ["16", "10"])
def test_two_at_once_in_threads_end_well(place, reference, tmp_path, chunks):
    codes = []
    arguments = command(place, tmp_path / "a.zarr", "--chunks", chunks, "--resume")
    threads = [threading.Thread(target=lambda: codes.append(main(arguments))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0, 0]
    assert digest(read(tmp_path / "a.zarr")) == digest(reference)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


@pytest.mark.slow
def test_two_processes_at_once_end_well(place, reference, tmp_path):
    arguments = command(place, tmp_path / "a.zarr", "--chunks", "10", "--resume")
    runs = [subprocess.Popen([sys.executable, "-c", SLOWED, *arguments]) for _ in range(2)]
    assert [p.wait() for p in runs] == [0, 0]
    assert digest(read(tmp_path / "a.zarr")) == digest(reference)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_who_waits_says_so(tmp_path):
    said, order = [], []

    def second():
        with alone(str(tmp_path / "a.zarr"), said.append):
            order.append("second")

    with alone(str(tmp_path / "a.zarr"), said.append):
        thread = threading.Thread(target=second)
        thread.start()
        while not said:
            time.sleep(0.001)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert "waiting" in said[0]
    assert not list(tmp_path.iterdir())


# --- mistakes -------------------------------------------------------------------------------------------------------


def grey(place, values, name="grey.tif"):
    array = np.array(values, np.uint8)[blobs((9, 9, 9), len(values)).array]
    tifffile.imwrite(place / name, array, photometric="minisblack")
    return place / name


MISTAKES = {
    "no-scan": (lambda p, t: [p / "model", t / "none.tif"], "does not exist"),
    "more-phases": (lambda p, t: [p / "model", grey(t, [0, 1, 2])], "has 3 phases, but the model was trained on"),
    "unclear-phase": (lambda p, t: [p / "model", grey(t, [7], "one.tif")], "label them 0 … 1"),
    "region-form": (lambda p, t: [p / "model", p / "scan.tif", "--region", "0:4"], "z0:z1,y0:y1,x0:x1"),
    "region-nothing": (lambda p, t: [p / "model", p / "scan.tif", "--region", ""], "z0:z1,y0:y1,x0:x1"),
    "region-empty": (lambda p, t: [p / "model", p / "scan.tif", "--region", "4:4,:,:"], "empty or reaches outside"),
    "region-turned": (lambda p, t: [p / "model", p / "scan.tif", "--region", "8:4,:,:"], "empty or reaches outside"),
    "region-outside": (lambda p, t: [p / "model", p / "scan.tif", "--region", "0:53,:,:"], "(52, 36, 44)"),
    "region-negative": (lambda p, t: [p / "model", p / "scan.tif", "--region", "-4:4,:,:"], "outside"),
    "shards": (lambda p, t: [p / "model", p / "scan.tif", "--chunks", "16", "--shards", "40"], "not a multiple"),
    "chunks": (lambda p, t: [p / "model", p / "scan.tif", "--chunks", "two"], "--chunks"),
    "workers": (lambda p, t: [p / "model", p / "scan.tif", "--workers", "0"], "--workers"),
    "device": (lambda p, t: [p / "model", p / "scan.tif", "--device", "tpu"], "is not a device"),
    "seed": (lambda p, t: [p / "model", p / "scan.tif", "--seed", str(2**64)], "--seed"),
    "unit": (lambda p, t: [p / "model", p / "scan.tif", "--unit", "nm"], "needs --voxel-size"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_leaves_nothing(place, tmp_path, capsys, mistake):
    change, words = MISTAKES[mistake]
    model, scan, *more = change(place, tmp_path)
    before = sorted(tmp_path.iterdir())
    assert words in refused(capsys, "generate", model, scan, tmp_path / "new" / "a.zarr", *more)
    assert sorted(tmp_path.iterdir()) == before


def test_phases_in_another_order_are_refused(place, tmp_path, capsys):
    turned = (LOW.phases[1], LOW.phases[0])
    phases = tuple(type(p)(i, p.name, p.color) for i, p in enumerate(turned))
    volume = LabelVolume.create(tmp_path / "scan.zarr", LOW.grid, phases, chunks=16)
    volume.write(LOW.grid.region, LOW.array)
    assert "in the model's order" in refused(capsys, "generate", place / "model", volume.path, tmp_path / "a.zarr")


def test_an_output_folder_that_cannot_be_written(place, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *args: False)
    assert "is not writable" in refused(capsys, *command(place, tmp_path / "a.zarr"))
    assert not list(tmp_path.iterdir())


def test_a_damaged_model_is_refused(place, tmp_path, capsys):
    shutil.copytree(place / "model", tmp_path / "model")
    weights = tmp_path / "model" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    sentence = refused(capsys, "generate", tmp_path / "model", place / "scan.tif", tmp_path / "a.zarr")
    assert "truncated or was changed" in sentence
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_help_shows_the_examples(capsys):
    assert main(["generate", "--help"]) == 0
    out = capsys.readouterr().out
    assert "\n    mesofuse generate runs/first/model scan.tif fused.zarr --seed 1\n" in out
    assert "\b" not in out
    assert "\\b" not in out
