"""VTK image data (``.vti``) for ParaView, PyVista and VTK; written slab by slab.

Source: VTK XML file formats, https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html
"""

from __future__ import annotations

import struct

from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import slabs


def write(labels: Labels, path: str) -> None:
    """Write labels as the cell data ``phase``: a voxel is a cell, its corner half a voxel before its centre.

    The field data hold the phases' names (``phase_names``) and the unit of length (``unit``).
    """
    grid = labels.grid
    extent = " ".join(f"0 {n}" for n in reversed(grid.shape))
    spacing = " ".join(repr(float(v)) for v in reversed(grid.voxel_size))
    corner = [o - v / 2 for o, v in zip(grid.origin, grid.voxel_size, strict=True)]
    origin = " ".join(repr(float(v)) for v in reversed(corner))
    names = _strings("phase_names", [p.name for p in labels.phases])
    header = (
        '<?xml version="1.0"?>\n'
        '<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64">\n'
        f'<ImageData WholeExtent="{extent}" Origin="{origin}" Spacing="{spacing}">\n'
        f"<FieldData>\n{names}{_strings('unit', [grid.unit])}</FieldData>\n"
        f'<Piece Extent="{extent}">\n<CellData Scalars="phase">\n'
        '<DataArray type="UInt8" Name="phase" format="appended" offset="0"/>\n'
        "</CellData>\n</Piece>\n</ImageData>\n"
        '<AppendedData encoding="raw">\n_'
    )
    with open(path, "wb") as file:
        file.write(header.encode())
        file.write(struct.pack("<Q", grid.region.size))
        for _, slab in slabs(labels):
            file.write(slab.tobytes())
        file.write(b"\n</AppendedData>\n</VTKFile>\n")


def _strings(name: str, texts: list[str]) -> str:
    """Return a field of strings: the codes of their bytes, each ended by a zero, as VTK writes them."""
    codes = " ".join(str(byte) for text in texts for byte in [*text.encode(), 0])
    return f'<Array type="String" Name="{name}" NumberOfTuples="{len(texts)}" format="ascii">\n{codes}\n</Array>\n'
