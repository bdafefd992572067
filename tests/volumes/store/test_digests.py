import hashlib
import shutil
import subprocess

import pytest

from mesofuse.volumes.grid import Grid
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store import digests
from mesofuse.volumes.store.labels import LabelVolume


def test_the_last_line_of_a_key_holds(tmp_path):
    digests.append(tmp_path, "0/c/0/0/0", b"old")
    digests.append(tmp_path, "0/c/0/0/1", b"other")
    digests.append(tmp_path, "0/c/0/0/0", b"new")
    found = digests.parse((tmp_path / digests.NAME).read_text())
    assert found == {
        "0/c/0/0/0": hashlib.sha256(b"new").hexdigest(),
        "0/c/0/0/1": hashlib.sha256(b"other").hexdigest(),
    }
    assert digests.render(found, ["0/c/0/0/1", "gone"]) == f"{digests.digest(b'other')}  0/c/0/0/1\n"


@pytest.mark.parametrize("cut", range(0, 80, 7))
def test_a_line_cut_off_says_nothing_and_harms_no_other(cut):
    lines = [digests.line(f"0/c/{i}", bytes([i])) for i in range(4)]
    text = lines[0] + lines[1][:cut] + lines[2] + lines[3]
    found = digests.parse(text)
    assert found.items() >= {"0/c/0": digests.digest(b"\0"), "0/c/3": digests.digest(b"\3")}.items()
    assert all(found.get(f"0/c/{i}", digests.digest(bytes([i]))) == digests.digest(bytes([i])) for i in range(4))


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="needs sha256sum")
def test_sha256sum_checks_a_volume(tmp_path):
    volume = LabelVolume.create(tmp_path / "v.zarr", Grid((9, 8, 7)), default_phases(2), chunks=4)
    for unit in list(volume.missing()):
        volume.write(unit, volume.array[unit.slices])
    volume.build_levels(2)
    run = subprocess.run(["sha256sum", "--strict", "-c", digests.NAME], cwd=volume.path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count(": OK\n") == 3 * 2 * 2 + 2 * 1 * 1
