"""Names from files, and terminals that lack characters: every command says what it has to say, and ends well."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from mesofuse.cli.main import main
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume

RAW = "\x1b]0;owned\x07[/]\u202e\x9b31m\nError: none"
SHOWN = "\\x1b]0;owned\\x07[/]\\u202e\\u009b31m\\nError: none"
Run = Callable[..., tuple[int, str]]


@pytest.fixture(params=["ascii", "latin-1", "utf-8"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command on a terminal of an encoding, and gives exit code and output."""

    def call(*arguments: str) -> tuple[int, str]:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=request.param, write_through=True) for _ in range(2)]
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        code = main([str(a) for a in arguments])
        out, err = (s.buffer.getvalue().decode(request.param) for s in streams)  # type: ignore[attr-defined]
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\x00"} & set(out + err)
        assert "Error: none" not in (out + err).splitlines()
        return code, out + err

    return call


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    labels = np.random.default_rng(0).integers(0, 3, (16, 24, 24), dtype=np.uint8)
    grid = Grid(labels.shape, (0.1,) * 3, "micrometer")
    phases = default_phases(3, [RAW, "$x^{", "_<script>"])
    volume = LabelVolume.create(folder / "v.zarr", grid, phases, provenance={"made_by": RAW, RAW: {"a": RAW}})
    volume.write(Region.whole(labels.shape), labels)
    meta = folder / "v.zarr" / "zarr.json"
    record = json.loads(meta.read_text("utf-8"))
    record["attributes"]["ome"]["image-label"]["properties"][0]["name"] = RAW  # as a stranger's program writes it
    meta.write_text(json.dumps(record), "utf-8")
    tifffile.imwrite(folder / "odd\x1b[31m.tif", labels, photometric="minisblack")
    (folder / "bad\x1b[31m.tif").write_bytes(b"II*\0broken")
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("info", "v.zarr"),
        ("info", "v.zarr", "--json"),
        ("info", "odd\x1b[31m.tif"),
        ("measure", "v.zarr"),
        ("measure", "v.zarr", "--json", "OUT.json"),
        ("measure", "odd\x1b[31m.tif", "--phases", "a,b,c"),
        ("measure", "v.zarr", "--samples", "4", "--size", "8"),
        ("import", "odd\x1b[31m.tif", "OUT.zarr"),
        ("export", "v.zarr", "OUT.tif"),
        ("render", "v.zarr", "OUT.png"),
        ("degrade", "v.zarr", "OUT.tif", "--scale", "4"),
        ("plugins", "list"),
        ("schema", "job"),
    ],
)
def test_commands_end_well_on_every_terminal(run: Run, files: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    command, *rest = arguments
    named = [str(tmp_path / a) if a.startswith("OUT") else str(files / a) if "." in a else a for a in rest]
    code, said = run(command, *named)
    assert code == 0, said


def test_names_are_shown_as_escapes(run: Run, files: Path) -> None:
    assert SHOWN in run("info", str(files / "v.zarr"))[1]
    assert json.loads(run("info", str(files / "v.zarr"), "--json")[1])["phases"][0]["name"] == SHOWN


def test_a_refusal_names_the_file_in_one_line(run: Run, files: Path) -> None:
    code, said = run("info", str(files / "bad\x1b[31m.tif"))
    assert code == 2
    assert "bad\\x1b[31m.tif" in said
    assert len(said.strip().splitlines()) == 1


def test_help_of_every_command_is_readable(run: Run) -> None:
    for name in ("fuse", "measure", "import", "compare", "realisations"):
        assert run(name, "--help")[0] == 0
