"""OME-Zarr 0.5 metadata, written and read by hand: grid, phases, resolution levels.

Source: https://ngff.openmicroscopy.org/0.5/ (multiscales, image-label). Version 0.4 is read too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mesofuse.errors import UserError
from mesofuse.volumes.content import CHANNELS, Content, leading
from mesofuse.volumes.grid import AXES, Grid, Scale, Triple, parse_unit
from mesofuse.volumes.phases import IGNORED, Phase, default_phases
from mesofuse.volumes.store.axes import Arrangement
from mesofuse.volumes.units import convert, understand

IGNORED_NAME = "ignored"


def ome_metadata(grids: Sequence[Grid], phases: Sequence[Phase], name: str, masked: bool = False) -> dict[str, Any]:
    """Return the ``ome`` attribute of a label image whose arrays ``"0"``, ``"1"``, … lie on ``grids``, finest first.

    An unknown voxel size (unit ``pixel``) leaves the unit out: OME-Zarr has no name for it. Masked volumes have the
    value `IGNORED` too, transparent and of the name ``ignored``.
    """
    multiscale = _multiscale(grids, name)
    if len(grids) > 1:
        multiscale["type"] = "mode"
        multiscale["metadata"] = {"description": "each voxel has the most frequent label of the 2×2×2 finer ones"}
    return {
        "version": "0.5",
        "multiscales": [multiscale],
        "image-label": {
            "colors": [
                *({"label-value": p.value, "rgba": [*p.rgb, 255]} for p in phases),
                *[{"label-value": IGNORED, "rgba": [255, 255, 255, 0]}] * masked,
            ],
            "properties": [
                *({"label-value": p.value, "name": p.name} for p in phases),
                *[{"label-value": IGNORED, "name": IGNORED_NAME}] * masked,
            ],
        },
    }


COLOURS = {"red": "FF0000", "green": "00FF00", "blue": "0000FF", "grey": "FFFFFF"}
"""In which a viewer shows a channel."""


def intensity_metadata(grids: Sequence[Grid], content: Content, name: str) -> dict[str, Any]:
    """Return the ``ome`` attribute of an image of grey values (z, y, x) or colours (c, z, y, x) from 0 to 255."""
    multiscale = _multiscale(grids, name, channels=bool(leading(content)))
    if len(grids) > 1:
        multiscale["type"] = "mean"
        multiscale["metadata"] = {"description": "each voxel has the mean of the 2×2×2 finer ones"}
    window = {"min": 0, "max": 255, "start": 0, "end": 255}
    return {
        "version": "0.5",
        "multiscales": [multiscale],
        "omero": {
            "channels": [
                {"label": label, "color": COLOURS[label], "active": True, "window": window}
                for label in CHANNELS[content]
            ],
            "rdefs": {"model": "color" if leading(content) else "greyscale"},
        },
    }


def intensities(ome: Mapping[str, Any]) -> bool:
    """Return whether metadata are those that `intensity_metadata` makes."""
    return "omero" in ome


def content(ome: Mapping[str, Any]) -> Content:
    """Return which intensities an image's voxels hold."""
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
        UserError: If there is no multiscale image in it.
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


def arrangement(ome: Mapping[str, Any], path: str) -> Arrangement:
    """Return how the stored axes lie to z, y and x.

    Raises:
        UserError: If the axes are malformed, or it is not clear which are z, y and x.
    """
    multiscale = ome["multiscales"][0]
    try:
        axes = multiscale.get("axes", list("tczyx"))  # before version 0.3 there were always these
        return Arrangement.of([{"name": axis} if isinstance(axis, str) else axis for axis in axes], path)
    except (KeyError, TypeError, AttributeError) as error:
        raise _malformed(path, error) from None


def read_grid(ome: Mapping[str, Any], level: int, shape: Triple, path: str) -> Grid:
    """Return the grid of one level, from the scales and translations of its axes z, y and x.

    Where the sizes have no unit that is understood it is ``pixel``; unlike units are brought to that of x.

    Args:
        ome: The metadata.
        level: Which level.
        shape: Its voxels along z, y, x.
        path: For messages.

    Raises:
        UserError: If it is not clear which axes are z, y and x, or a transformation is malformed or of another kind.
    """
    return _read_grid(ome, level, shape, path)[0]


def size_notes(ome: Mapping[str, Any], shape: Triple, path: str) -> tuple[str, ...]:
    """Return what the user should know of the voxel size of the finest level.

    Raises:
        UserError: As `read_grid`.
    """
    return _read_grid(ome, 0, shape, path)[1]


def _read_grid(ome: Mapping[str, Any], level: int, shape: Triple, path: str) -> tuple[Grid, tuple[str, ...]]:
    multiscale, arranged = ome["multiscales"][0], arrangement(ome, path)
    try:
        axes = [axis if isinstance(axis, Mapping) else {} for axis in multiscale.get("axes", [{}] * 5)]
        words = arranged.pick([str(axis.get("unit") or "") for axis in axes], "")
        scale, origin = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
        for step in _steps(multiscale, level):
            kind = str(step["type"])
            if kind == "identity":
                continue
            if kind not in ("scale", "translation") or "path" in step:
                raise UserError(
                    f"The OME-Zarr metadata of {path} place the voxels by a transformation {kind[:40]!r} that is not "
                    "understood; scale and translation, as lists of numbers, are: save the image with these."
                )
            if len(step[kind]) != len(arranged.names):
                raise ValueError(f"{len(step[kind])} numbers in a {kind} of {len(arranged.names)} axes")
            by = arranged.pick([float(v) for v in step[kind]], 1.0 if kind == "scale" else 0.0)
            if kind == "scale":
                scale = _triple([a * b for a, b in zip(scale, by, strict=True)])
                origin = _triple([a * b for a, b in zip(origin, by, strict=True)])
            else:
                origin = _triple([a + b for a, b in zip(origin, by, strict=True)])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _malformed(path, error) from None
    if not all(0 < s < math.inf for s in scale) or not all(map(math.isfinite, origin)):
        raise UserError(
            f"The OME-Zarr metadata of {path} gives the voxel size {scale} and the origin {origin}; every size must be "
            "above 0, and every number finite."
        )
    sizes: list[float | None] = [None if place is None else v for place, v in zip(arranged.places, scale, strict=True)]
    said = understand(sizes, words, shape[0])
    if said.voxel_size is None or said.unit is None:
        return Grid(shape, scale, "pixel", origin), said.notes
    origin = _triple([_length(v, word, said.unit) for v, word in zip(origin, words, strict=True)])
    return Grid(shape, said.voxel_size, said.unit, origin), said.notes


def _steps(multiscale: Mapping[str, Any], level: int) -> list[Any]:
    """Return a level's transformations, then those of all levels; before version 0.4 there were none."""
    dataset = multiscale["datasets"][level]
    versioned = "axes" in multiscale and all(isinstance(axis, Mapping) for axis in multiscale["axes"])
    own = dataset["coordinateTransformations"] if versioned else dataset.get("coordinateTransformations", [])
    return [*own, *multiscale.get("coordinateTransformations", [])]


def _length(value: float, word: str, unit: str) -> float:
    """Return a length along an axis in another unit; 0 where the axis has none."""
    own = parse_unit(word) if word else "pixel"
    return 0.0 if own == "pixel" else convert(value, own, unit)


def _malformed(path: str, error: Exception) -> UserError:
    reason = f"{type(error).__name__} {error}".splitlines()[0][:160]
    return UserError(f"The OME-Zarr metadata of {path} is malformed: {reason}.")


def read_masked(ome: Mapping[str, Any]) -> bool:
    """Return whether the metadata say that voxels of the value `IGNORED` are no material: they call it ``ignored``."""
    label = ome.get("image-label")
    entries = label.get("properties") if isinstance(label, Mapping) else None
    return isinstance(entries, list) and any(
        isinstance(e, Mapping) and e.get("label-value") == IGNORED and e.get("name") == IGNORED_NAME for e in entries
    )


def read_phases(ome: Mapping[str, Any], count: int | None) -> tuple[Phase, ...] | None:
    """Return the phases that the metadata describes: values 0 … count−1, or as many as have properties if None.

    Names and colours that are missing or malformed are replaced by the defaults. None if nothing is described.
    """
    label = ome.get("image-label")
    names: dict[int, str] = {}
    colors: dict[int, str] = {}
    for value, entry in _by_label(label, "properties"):
        if entry.get("name"):
            names[value] = str(entry["name"])
    if read_masked(ome):
        names.pop(IGNORED, None)
    for value, entry in _by_label(label, "colors"):
        rgba = entry.get("rgba")
        if isinstance(rgba, list) and len(rgba) == 4 and all(isinstance(c, int) and 0 <= c <= 255 for c in rgba):
            colors[value] = "#{:02x}{:02x}{:02x}".format(*rgba[:3])
    if count is None:
        count = len(names)
        if not names or set(names) != set(range(count)):
            return None
    phases = default_phases(count)
    return tuple(Phase(p.value, names.get(p.value, p.name), colors.get(p.value, p.color)) for p in phases)


def _by_label(label: Any, part: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the entries of a list in ``image-label`` that name a value which no other of them does."""
    entries = label.get(part) if isinstance(label, Mapping) else None
    found = [
        (entry["label-value"], entry)
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping) and type(entry.get("label-value")) is int
    ]
    times = Counter(value for value, _ in found)
    return [(value, entry) for value, entry in found if times[value] == 1]


def _triple(values: Sequence[float]) -> Scale:
    return (float(values[0]), float(values[1]), float(values[2]))
