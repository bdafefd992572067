import xml.etree.ElementTree as ET

import numpy as np
import pytest

from mesofuse.volumes.formats.vti import write
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

STACK = np.random.default_rng(0).integers(0, 3, (4, 5, 7), dtype=np.uint8)
VOLUME = LabelArray(
    STACK, Grid(STACK.shape, (0.4, 0.5, 0.6), "micrometer", (1, 2, 3)), default_phases(3, ("Pöre", "b", "c"))
)


def test_pyvista_opens_it(tmp_path):
    pyvista = pytest.importorskip("pyvista")
    write(VOLUME, str(tmp_path / "a.vti"))
    image = pyvista.read(tmp_path / "a.vti")
    np.testing.assert_array_equal(image.cell_data["phase"].reshape(STACK.shape), STACK)
    assert image.spacing == (0.6, 0.5, 0.4)
    assert image.origin == pytest.approx((2.7, 1.75, 0.8))  # the corner of the first voxel
    assert list(image.field_data["phase_names"]) == ["Pöre", "b", "c"]
    assert list(image.field_data["unit"]) == ["micrometer"]


def test_the_file_is_as_the_format_says(tmp_path):
    write(VOLUME, str(tmp_path / "a.vti"))
    data = (tmp_path / "a.vti").read_bytes()
    head, _, rest = data.partition(b'<AppendedData encoding="raw">\n_')
    image = ET.fromstring(head + b"</VTKFile>").find("ImageData")
    assert image.get("WholeExtent") == "0 7 0 5 0 4"
    assert image.find("Piece/CellData/DataArray").attrib == {
        "type": "UInt8", "Name": "phase", "format": "appended", "offset": "0",
    }  # fmt: skip
    assert int.from_bytes(rest[:8], "little") == STACK.size
    assert rest[8 : 8 + STACK.size] == STACK.tobytes()
    assert rest[8 + STACK.size :].strip().endswith(b"</VTKFile>")
