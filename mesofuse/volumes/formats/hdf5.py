"""HDF5: one dataset of a file (``file.h5:/path``), with the sizes that Fiji and the axes that ilastik write."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.formats import own_note
from mesofuse.volumes.formats.inner_path import choose, split, squeezed
from mesofuse.volumes.formats.optional import library
from mesofuse.volumes.json_text import load_json
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import slabs
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.room import check_room
from mesofuse.volumes.store.axes import Arrangement
from mesofuse.volumes.units import Said, convert, understand

_MOST = 10_000
_SIZE = "element_size_um"


def read(path: str) -> RawImage:
    """Read the one volume of a file, or the dataset that the path names.

    Voxel size: the attribute ``element_size_um`` (z, y, x). Axes: the names that the dataset gives them (dimension
    labels, ilastik's ``axistags``), else z, y, x.

    Raises:
        UserError: If h5py is not installed, it is not clear which dataset is meant, or its values are not all in it.
        Exception: If the file is damaged: whatever h5py raises on damaged files.
    """
    with _opened(path) as file:
        dataset, notes = _dataset(file, path)
        arranged = _arrangement(dataset, path)
        array = _values(dataset, path)
        array = squeezed(array) if arranged is None else arranged.applied(array, path)
        planes = array.shape[0] if array.ndim == 3 else 1
        note = own_note.parse(_note(dataset))
        says = own_note.reconcile(_size(dataset, planes), note, array.shape)
        return RawImage(array, path, notes=(*notes, *_unwritten(dataset)), **says)


def read_matlab(path: str) -> RawImage:
    """Read an array of a MATLAB 7.3 file, which is an HDF5 file that holds its arrays with their axes reversed.

    Raises:
        UserError: As `read`.
    """
    with _opened(path) as file:
        dataset, notes = _dataset(file, path, matlab=True)
        return RawImage(squeezed(_values(dataset, path).T), path, notes=notes)


def write(labels: Labels, path: str) -> None:
    """Write labels as the dataset ``/labels`` (uint8, compressed in chunks), slab by slab, with ``element_size_um``.

    A note in its attribute ``mesofuse`` keeps unit, origin and the phases' names and colours.

    Raises:
        UserError: If h5py is not installed.
    """
    grid = labels.grid
    with library("h5py").File(path, "w") as file:
        chunks = tuple(min(64, n) for n in grid.shape)
        dataset = file.create_dataset("labels", grid.shape, np.uint8, chunks=chunks, compression="gzip")
        if grid.known:
            dataset.attrs[_SIZE] = [convert(v, grid.unit, "micrometer") for v in grid.voxel_size]
        # Of fixed length: libhdf5 may never come back from a string of variable length whose heap is damaged.
        dataset.attrs[own_note.KEY] = np.bytes_(own_note.note_of(labels))
        for region, slab in slabs(labels):
            dataset[region.slices] = slab


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    """Open the file of a path for reading; a compression that is not installed is one sentence."""
    h5py = library("h5py", path)
    with contextlib.suppress(ImportError):
        import hdf5plugin  # noqa: F401  registers more compressions
    try:
        with h5py.File(split(path)[0], "r") as file:
            yield file
    except OSError as error:
        if "filter" not in str(error) and "plugin" not in str(error):
            raise
        raise UserError(
            f"{path} is compressed in a way that needs a plugin of HDF5: install it with `pip install hdf5plugin`, or "
            "save the dataset uncompressed or with gzip."
        ) from error


def _dataset(file: Any, path: str, matlab: bool = False) -> tuple[Any, tuple[str, ...]]:
    """Return the dataset that a path means, and notes.

    Raises:
        UserError: If there is none or several, or its values lie in other files.
    """
    import h5py

    shapes: dict[str, tuple[int, ...]] = {}
    other: list[str] = []
    seen = [0]

    def visit(name: str, node: Any) -> bool | None:
        seen[0] += 1
        if isinstance(node, h5py.Dataset) and not (matlab and name.startswith("#")):
            if node.shape is not None and node.dtype.kind in "biufc" and not node.attrs.get("MATLAB_empty"):
                shapes[name if matlab else f"/{name}"] = node.shape
            else:
                other.append(name)
        return True if seen[0] >= _MOST else None

    inner = split(path)[1]
    named = file.get(inner) if inner.strip("/") else None
    if isinstance(named, h5py.Dataset):  # links too, which a walk does not follow
        shapes[inner] = named.shape or ()
    else:
        file.visititems(visit)
    name, notes = choose(path, shapes, other)
    dataset = file[name]
    if dataset.dtype.kind not in "biufc":
        raise UserError(f"{path} holds {str(dataset.dtype)[:60]} values; an image of whole numbers is expected.")
    if dataset.is_virtual or dataset.external or dataset.file.filename != file.filename:
        raise UserError(
            f"{path} refers to values in other files; copy the dataset with them into one file (h5repack does)."
        )
    return dataset, notes


def _values(dataset: Any, path: str) -> np.ndarray:
    """Return all values of a dataset.

    Raises:
        UserError: If they do not fit the memory, or were never written.
    """
    check_room(path, dataset.shape, dataset.dtype.itemsize)
    if dataset.size and not dataset.id.get_storage_size():
        raise UserError(f"{path} has a shape, {dataset.shape}, but no value of it was ever written.")
    return np.asarray(dataset[...])


def _unwritten(dataset: Any) -> tuple[str, ...]:
    """Return a note where chunks are missing, which read as zeros without a word."""
    if not dataset.chunks:
        return ()
    count = math.prod(-(-n // c) for n, c in zip(dataset.shape, dataset.chunks, strict=True))
    missing = count - dataset.id.get_num_chunks()
    return (
        (f"{missing} of its {count} chunks were never written and are read as {dataset.fillvalue}",) if missing else ()
    )


def _arrangement(dataset: Any, path: str) -> Arrangement | None:
    """Return how the dataset's axes lie by their names, or None where it names none.

    Raises:
        UserError: If it names axes, but it is not clear which are z, y and x.
    """
    names = [dimension.label for dimension in dataset.dims]
    if not any(names):
        try:
            tags = load_json(_text(dataset.attrs.get("axistags")))
            names = [str(axis["key"]) for axis in tags["axes"]]
        except (ValueError, KeyError, TypeError):
            return None
    return Arrangement.of([{"name": name} for name in names], path)


def _size(dataset: Any, planes: int) -> Said:
    """Return what the attribute ``element_size_um`` says: micrometres along z, y, x, however the axes lie."""
    given = dataset.attrs.get(_SIZE)
    if given is None:
        return Said()
    try:
        z, y, x = (float(v) for v in np.asarray(given).ravel())
    except (TypeError, ValueError):
        return Said.nothing(f"its attribute {_SIZE} is not three numbers")
    return understand((z, y, x), ("um",) * 3, planes)


def _note(dataset: Any) -> str:
    """Return the text of our own note, which is a string of fixed length; empty where there is none."""
    import h5py

    if own_note.KEY not in dataset.attrs:
        return ""
    kind = h5py.check_string_dtype(dataset.attrs.get_id(own_note.KEY).dtype)
    return "" if kind is None or kind.length is None else _text(dataset.attrs[own_note.KEY])


def _text(value: Any) -> str:
    """Return a string attribute, empty where it is none."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
