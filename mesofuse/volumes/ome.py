"""OME-Zarr 0.5 metadata, written and read by hand: grid, phases, resolution levels.

Source: https://ngff.openmicroscopy.org/0.5/ (multiscales, image-label). Version 0.4 is read too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from mesofuse.errors import UserError
from mesofuse.volumes.grid import AXES, Grid, Scale, Triple, parse_unit
from mesofuse.volumes.phases import Phase, default_phases
from mesofuse.volumes.units import convert


def ome_metadata(grids: Sequence[Grid], phases: Sequence[Phase], name: str) -> dict[str, Any]:
    """Return the ``ome`` attribute of a label image whose arrays ``"0"``, ``"1"``, … lie on ``grids``, finest first.

    An unknown voxel size (unit ``pixel``) leaves the unit out: OME-Zarr has no name for it.
    """
    multiscale = _multiscale(grids, name)
    if len(grids) > 1:
        multiscale["type"] = "mode"
        multiscale["metadata"] = {"description": "each voxel has the most frequent label of the 2×2×2 finer ones"}
    return {
        "version": "0.5",
        "multiscales": [multiscale],
        "image-label": {
            "colors": [{"label-value": p.value, "rgba": [*p.rgb, 255]} for p in phases],
            "properties": [{"label-value": p.value, "name": p.name} for p in phases],
        },
    }


def intensity_metadata(grids: Sequence[Grid], colour: bool, name: str) -> dict[str, Any]:
    """Return the ``ome`` attribute of an image of grey values (z, y, x) or colours (c, z, y, x) from 0 to 255."""
    multiscale = _multiscale(grids, name, channels=colour)
    if len(grids) > 1:
        multiscale["type"] = "mean"
        multiscale["metadata"] = {"description": "each voxel has the mean of the 2×2×2 finer ones"}
    window = {"min": 0, "max": 255, "start": 0, "end": 255}
    channels = {"red": "FF0000", "green": "00FF00", "blue": "0000FF"} if colour else {"grey": "FFFFFF"}
    return {
        "version": "0.5",
        "multiscales": [multiscale],
        "omero": {
            "channels": [
                {"label": label, "color": color, "active": True, "window": window} for label, color in channels.items()
            ],
            "rdefs": {"model": "color" if colour else "greyscale"},
        },
    }


def content(ome: Mapping[str, Any]) -> Literal["grey", "colour"]:
    """Return what an image's voxels hold."""
    return "colour" if len(ome["multiscales"][0]["axes"]) == 4 else "grey"


def without_channels(ome: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of one channel of an image of colours, as `read_grid` takes them; of others as they are."""
    multiscale = dict(ome["multiscales"][0])
    if multiscale["axes"][0].get("type") != "channel":
        return dict(ome)
    multiscale["axes"] = multiscale["axes"][1:]
    multiscale["datasets"] = [
        {
            **dataset,
            "coordinateTransformations": [
                {**step, step["type"]: step[step["type"]][1:]} for step in dataset["coordinateTransformations"]
            ],
        }
        for dataset in multiscale["datasets"]
    ]
    return {**ome, "multiscales": [multiscale]}


def _multiscale(grids: Sequence[Grid], name: str, channels: bool = False) -> dict[str, Any]:
    """Return axes and datasets; with channels as a leading axis where there are any."""
    unit = {"unit": grids[0].unit} if grids[0].known else {}
    one, zero = ([1.0], [0.0]) if channels else ([], [])
    datasets = [
        {
            "path": str(level),
            "coordinateTransformations": [
                {"type": "scale", "scale": [*one, *(float(v) for v in grid.voxel_size)]},
                {"type": "translation", "translation": [*zero, *(float(v) for v in grid.origin)]},
            ],
        }
        for level, grid in enumerate(grids)
    ]
    space = [{"name": axis, "type": "space", **unit} for axis in AXES]
    return {
        "name": name,
        "axes": [*([{"name": "c", "type": "channel"}] if channels else []), *space],
        "datasets": datasets,
    }


def find_ome(attributes: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the OME metadata of a group (0.5: under ``ome``; 0.4: at the top).

    Raises:
        UserError: There is no multiscale image in it.
    """
    ome = attributes.get("ome", attributes)
    try:
        first = ome["multiscales"][0]
        if not first["datasets"]:
            raise ValueError
        [d["path"] + "" for d in first["datasets"]]
    except (KeyError, IndexError, TypeError, ValueError):
        raise UserError(
            f"{path} is a zarr group without OME-Zarr metadata of an image (no usable 'multiscales'); "
            "give the group of one image, or import the original file with `mesofuse import`."
        ) from None
    return dict(ome)


def dataset_paths(ome: Mapping[str, Any]) -> list[str]:
    """Return the names of the arrays, finest first."""
    return [d["path"] for d in ome["multiscales"][0]["datasets"]]


def read_grid(ome: Mapping[str, Any], level: int, shape: Triple, path: str) -> Grid:
    """Return the grid of one level; axes without a unit are in ``pixel``, unlike units are brought to the last axis's.

    Raises:
        UserError: The axes are not three axes of space, or a transformation is malformed.
    """
    multiscale = ome["multiscales"][0]
    try:
        axes = multiscale["axes"]
        if [a.get("type", "space") for a in axes] != ["space"] * 3:
            raise UserError(
                f"{path} has the axes {', '.join(str(a.get('name')) for a in axes)}, but a volume has z, y and x only; "
                "save one channel and one time as a 3D volume."
            )
        units = [parse_unit(a["unit"]) if a.get("unit") else "pixel" for a in axes]
        scale, origin = [1.0] * 3, [0.0] * 3
        steps = [
            *multiscale["datasets"][level]["coordinateTransformations"],
            *multiscale.get("coordinateTransformations", []),
        ]
        for step in steps:
            if step["type"] == "scale":
                scale = [a * float(b) for a, b in zip(scale, step["scale"], strict=True)]
                origin = [a * float(b) for a, b in zip(origin, step["scale"], strict=True)]
            elif step["type"] == "translation":
                origin = [a + float(b) for a, b in zip(origin, step["translation"], strict=True)]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"The OME-Zarr metadata of {path} is malformed: {type(error).__name__} {error}.") from None
    if not all(s > 0 for s in scale):
        raise UserError(
            f"The OME-Zarr metadata of {path} gives the voxel size {tuple(scale)}; every number must be above 0."
        )
    unit = "pixel" if "pixel" in units else units[-1]
    if unit != "pixel":
        scale = [convert(v, u, unit) for v, u in zip(scale, units, strict=True)]
        origin = [convert(v, u, unit) for v, u in zip(origin, units, strict=True)]
    return Grid(shape, _triple(scale), unit, _triple(origin))


def read_phases(ome: Mapping[str, Any], count: int | None) -> tuple[Phase, ...] | None:
    """Return the phases that the metadata describes: values 0 … count−1, or as many as have properties if None.

    Names and colours that are missing or malformed are replaced by the defaults. None if nothing is described.
    """
    label = ome.get("image-label")
    names: dict[int, str] = {}
    colors: dict[int, str] = {}
    if isinstance(label, Mapping):
        for entry in label.get("properties") or []:
            if isinstance(entry, Mapping) and isinstance(entry.get("label-value"), int) and entry.get("name"):
                names[entry["label-value"]] = str(entry["name"])
        for entry in label.get("colors") or []:
            rgba = entry.get("rgba") if isinstance(entry, Mapping) else None
            if rgba and len(rgba) == 4 and all(isinstance(c, int) and 0 <= c <= 255 for c in rgba):
                colors[int(entry["label-value"])] = "#{:02x}{:02x}{:02x}".format(*rgba[:3])
    if count is None:
        count = len(names)
        if not names or set(names) != set(range(count)):
            return None
    phases = default_phases(count)
    return tuple(Phase(p.value, names.get(p.value, p.name), colors.get(p.value, p.color)) for p in phases)


def _triple(values: Sequence[float]) -> Scale:
    return (float(values[0]), float(values[1]), float(values[2]))
