"""Files of a volume emptied, cut, flipped, swapped or deleted, after a kill or when it was finished: all are mended."""

import os
import shutil

import pytest

from mesofuse.cli.main import main
from tests.faults.harness import tree
from tests.faults.jobs import LAYOUTS, generate_job


def units(folder):
    """Return the files of each array that hold voxels."""
    found = {}
    for name in sorted(tree(folder / "out.zarr")):
        array, mark, _ = name.partition("/c/")
        if mark and (folder / "out.zarr" / name).is_file():
            found.setdefault(array, []).append(folder / "out.zarr" / name)
    return found


def emptied(file, other):
    file.write_bytes(b"")


def cut(file, other):
    os.truncate(file, file.stat().st_size // 2)


def flipped(file, other):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 16
    file.write_bytes(data)


def swapped(file, other):
    mine = file.read_bytes()
    file.write_bytes(other.read_bytes())
    other.write_bytes(mine)


def deleted(file, other):
    file.unlink()


@pytest.fixture(scope="module")
def finished(inputs, tmp_path_factory):
    made = {}

    def make(layout):
        if layout not in made:
            folder = tmp_path_factory.mktemp(layout)
            assert run(generate_job(inputs, layout).argv, folder) == 0
            made[layout] = folder
        return made[layout]

    return make


def run(argv, folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        return main(list(argv))
    finally:
        os.chdir(before)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("damage", [emptied, cut, flipped, swapped, deleted])
@pytest.mark.parametrize("complete", [True, False], ids=["finished", "killed"])
def test_damage_is_mended(inputs, finished, tmp_path, capsys, layout, damage, complete):
    clean, folder = finished(layout), tmp_path / "case"
    shutil.copytree(clean, folder)
    volume = folder / "out.zarr"
    for array in units(folder).values():
        damage(array[0], array[-1])
    if not complete:
        text = (volume / "zarr.json").read_text()
        assert '"complete": true' in text
        (volume / "zarr.json").write_text(text.replace('"complete": true', '"complete": false'))
    assert run(["check", "out.zarr", "-q"], folder) == 1
    said = capsys.readouterr().out
    assert "--resume" in said
    if damage is not deleted or complete:
        assert said.count("0/c/0/0/0 (region") >= 1
    assert run(generate_job(inputs, layout).again, folder) == 0
    assert run(["check", "out.zarr", "-q", "--deep"], folder) == 0
    assert tree(folder) == tree(clean)
