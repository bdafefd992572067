"""Small whole files of every kind that mesofuse reads. A new format is one entry in `SEEDS`."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutations as m
import numpy as np

SHAPE = (5, 12, 16)


@dataclass(frozen=True)
class Seed:
    """A whole file.

    Attributes:
        name: Its name, with the ending that tells its format.
        make: Writes it to a path (a file or a folder).
        reader: What reads it, one of `run.READERS`.
        structured: Damage that knows the file's structure.
        weight: How often it is drawn.
        shape: What a reader that saw no damage gives, or None where a file has nothing that would tell.
    """

    name: str
    make: Callable[[Path], Any]
    reader: str = "image"
    structured: tuple[m.Mutation, ...] = ()
    weight: float = 1.0
    shape: tuple[int, ...] | None = SHAPE


def labels(shape: tuple[int, ...] = SHAPE, phases: int = 3) -> np.ndarray:
    """Return blocks of phases, so that compression and bit planes have something to say."""
    rng = np.random.default_rng(sum(shape))
    coarse = rng.integers(0, phases, [-(-n // 2) for n in shape], dtype=np.uint8)
    for axis in range(len(shape)):
        coarse = coarse.repeat(2, axis)
    return coarse[tuple(slice(n) for n in shape)]


def volume(path: Path, **options: Any) -> None:
    """Write a labelled volume as mesofuse does."""
    from mesofuse.volumes.grid import Grid, Region
    from mesofuse.volumes.phases import default_phases
    from mesofuse.volumes.store.labels import LabelVolume

    values = labels()
    grid = Grid(SHAPE, (0.5, 0.4, 0.4), "micrometer")
    made = LabelVolume.create(path, grid, default_phases(3, ["pore", "active", "binder"]), **options)
    made.write(Region.whole(SHAPE), values)
    made.finish() if hasattr(made, "finish") else None


def exported(path: Path) -> None:
    """Write a volume in the format of the path's ending, with its voxel size and phases."""
    from mesofuse.volumes.formats.catalogue import write_labels
    from mesofuse.volumes.grid import Grid
    from mesofuse.volumes.labels import LabelArray
    from mesofuse.volumes.phases import default_phases

    phases = default_phases(3, ["pore", "active", "binder"])
    write_labels(LabelArray(labels(), Grid(SHAPE, (0.5, 0.4, 0.4), "micrometer"), phases), path)


def tiff(**options: Any) -> Callable[[Path], None]:
    """Return a writer of TIFF stacks."""

    def make(path: Path) -> None:
        import tifffile

        tifffile.imwrite(path, labels(), photometric="minisblack", **options)

    return make


def pillow_stack(compression: str, mode: str = "L") -> Callable[[Path], None]:
    """Return a writer of TIFF stacks by Pillow, page by page."""

    def make(path: Path) -> None:
        from PIL import Image

        values = labels(phases=2) * 255 if mode == "1" else labels()
        pages = [Image.fromarray(plane).convert(mode) for plane in values]
        pages[0].save(path, save_all=True, append_images=pages[1:], compression=compression)

    return make


def picture(mode: str = "L", **options: Any) -> Callable[[Path], None]:
    """Return a writer of one plane by Pillow."""

    def make(path: Path) -> None:
        from PIL import Image

        Image.fromarray(labels((1, *SHAPE[1:]), 2)[0] * 255).convert(mode).save(path, **options)

    return make


def blocks_as_jpeg(path: Path) -> None:
    """Write a plane of plain blocks of 8 × 8, which JPEG keeps as they are."""
    from PIL import Image

    plane = labels((1, 4, 6), 2)[0].repeat(8, 0).repeat(8, 1)
    Image.fromarray(plane * 255).save(path, quality=100)


def numbered_folder(ending: str) -> Callable[[Path], None]:
    """Return a writer of a folder of images."""

    def make(path: Path) -> None:
        from PIL import Image

        path.mkdir()
        for i, plane in enumerate(labels()):
            Image.fromarray(plane).save(path / f"{i}{ending}")

    return make


def foreign_zarr(version: int) -> Callable[[Path], None]:
    """Return a writer of a label image as other programs make it, in OME-Zarr 0.4 or 0.5."""

    def make(path: Path) -> None:
        import zarr

        axes = [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"]
        scale = [{"type": "scale", "scale": [0.5, 0.4, 0.4]}]
        scales = [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}], "name": "x"}]
        group = zarr.open_group(path, mode="w", zarr_format=version)
        array = group.create_array("0", shape=SHAPE, chunks=(4, 8, 8), dtype="uint8", fill_value=0)
        array[:] = labels()
        ome = {"multiscales": scales}
        group.attrs.update(ome if version == 2 else {"ome": {"version": "0.5", **ome}})

    return make


def zipped(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """Return a writer of what another one writes into a folder, as a zip."""

    def pack(path: Path) -> None:
        folder = path.with_suffix(".folder.zarr")
        make(folder)
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(folder).as_posix())

    return pack


JOB = """\
# A job as people write it.
low_res: scan.tif
high_res: {zy: rods.tif, x: speckles.tif}
scale: [4, 4, 4]
voxel_size: 0.4
shows:
  "0": [pore, binder]
  "1": [active]
phases: [pore, active, binder]
method:
  name: superres
  preset: slim
  critic_steps: 2
  losses: [{name: wasserstein-gp}, {name: voxelwise, weight: 10}]
minutes: 10
seed: 3
device: cpu
"""
COMPARISON = """\
low_res: scan.tif
high_res: sem.tif
scale: 4
compare:
  - interpolation
  - {name: slim, method: {name: superres, preset: slim}}
  - {name: ready, volume: fused.zarr}
metrics: [volume-fraction, {name: tortuosity, phases: [pore]}]
subvolumes: 16
size: 32
"""


def text(content: str) -> Callable[[Path], Any]:
    """Return a writer of a text."""
    return lambda path: path.write_text(content, "utf-8")


def package(path: Path) -> None:
    """Write the package of a method without a network."""
    from mesofuse.models.package import save_package
    from mesofuse.registry import get_registry
    from mesofuse.testing.problems import make_problem

    problem = make_problem(2, 3, 4.0)
    component = get_registry().find("method", "interpolation")
    model = component.build(None).restore(problem, {"becomes": np.array([0, 1], np.uint8)})
    options = component.options(None).model_dump(mode="json")
    save_package(path, model, "interpolation", options, {"seed": 0, "inputs": {}, "versions": {}, "created": "x"})


def weights(path: Path) -> None:
    """Write tensors as safetensors."""
    from safetensors.numpy import save_file

    save_file({"a.weight": np.ones((4, 3), np.float32), "a.bias": np.zeros(4, np.float32)}, path)


def torch_weights(path: Path) -> None:
    """Write tensors as torch does."""
    import torch

    torch.save({"a.weight": torch.ones(4, 3), "a.bias": torch.zeros(4)}, path)


def matlab(path: Path) -> None:
    """Write a MATLAB file of version 5."""
    from scipy.io import savemat

    savemat(path, {"labels": labels(), "size": [0.5, 0.4, 0.4], "name": "x"})


def packed_nrrd(path: Path) -> None:
    """Write NRRD with gzip encoding, as pynrrd does."""
    import nrrd

    about = {"encoding": "gzip", "spacings": [0.4, 0.4, 0.5], "units": ["um"] * 3}
    nrrd.write(str(path), labels(), about, index_order="C")


def mrc(path: Path) -> None:
    """Write an MRC volume."""
    import mrcfile

    with mrcfile.new(str(path)) as file:
        file.set_data(labels().astype(np.int8))
        file.voxel_size = 4000.0


def installed(library: str, *seeds: Seed) -> list[Seed]:
    """Return the seeds of a library that only some formats need, where it is installed."""
    return list(seeds) if importlib.util.find_spec(library) else []


TIFF, TEXT, ZARR = (m.tiff_tags, m.tiff_tags, m.numbers), (m.words, m.numbers), (m.json_tree, m.json_tree, m.numbers)
SEEDS: list[Seed] = [
    Seed("plain.tif", tiff(), structured=TIFF),
    Seed("imagej.tif", exported, structured=TIFF),
    Seed("ome.ome.tif", tiff(ome=True, metadata={"axes": "ZYX", "PhysicalSizeX": 0.4}), structured=(*TIFF, m.words)),
    Seed("big-endian.tif", tiff(byteorder=">"), structured=TIFF),
    Seed("bigtiff.tif", tiff(bigtiff=True), structured=(m.numbers,)),
    Seed("zlib.tif", tiff(compression="zlib", rowsperstrip=4), structured=TIFF),
    Seed("tiled.tif", tiff(tile=(16, 16), compression="zlib"), structured=TIFF),
    Seed("lzw.tif", pillow_stack("tiff_lzw"), structured=TIFF, shape=None),
    Seed("packbits.tif", pillow_stack("packbits"), structured=TIFF, shape=None),
    Seed("g4.tif", pillow_stack("group4", "1"), structured=TIFF, shape=None),
    Seed("palette.tif", pillow_stack("tiff_adobe_deflate", "P"), structured=TIFF, shape=None),
    Seed("grey.png", picture(), structured=(m.png_chunks, m.png_chunks), shape=(1, *SHAPE[1:])),
    Seed("one-bit.png", picture("1"), structured=(m.png_chunks,), shape=(1, *SHAPE[1:])),
    Seed("palette.png", picture("P"), structured=(m.png_chunks,), shape=(1, *SHAPE[1:])),
    Seed("rgba.png", picture("RGBA"), structured=(m.png_chunks,), shape=(1, *SHAPE[1:])),
    Seed("grey.bmp", picture(), structured=(m.set_length,), shape=(1, *SHAPE[1:])),
    Seed("one-bit.bmp", picture("1"), structured=(m.set_length,), shape=(1, *SHAPE[1:])),
    Seed("grey.jpg", blocks_as_jpeg, shape=None),  # a JPEG says its size once, and nothing in it can tell
    Seed("array.npy", lambda path: np.save(path, labels()), structured=TEXT),
    Seed("fortran.npy", lambda path: np.save(path, np.asfortranarray(labels().astype(">i4"))), structured=TEXT),
    Seed("archive.npz", lambda path: np.savez(path, labels=labels(), size=[0.5]), structured=(m.zip_members, m.words)),
    Seed("packed.npz", lambda path: np.savez_compressed(path, labels()), structured=(m.zip_members,)),
    Seed("five.mat", matlab, structured=(m.numbers,)),
    Seed("image.mha", exported, structured=TEXT, shape=None),
    *installed("h5py", Seed("data.h5", exported, structured=(m.numbers, m.words), shape=None, weight=2)),
    *installed("nrrd", Seed("raw.nrrd", exported, structured=TEXT, shape=None),
               Seed("gzip.nrrd", packed_nrrd, structured=TEXT, shape=None)),
    *installed("mrcfile", Seed("volume.mrc", mrc, structured=(m.numbers,), shape=None)),
    Seed("pictures/", numbered_folder(".png"), structured=(m.png_chunks,)),
    Seed("tiffs/", numbered_folder(".tif"), structured=TIFF),
    Seed("own.zarr/", volume, structured=ZARR, weight=3, shape=None),
    Seed("sharded.zarr/", lambda path: volume(path, chunks=(4, 4, 4), shards=(8, 8, 8)), structured=ZARR, shape=None),
    Seed("own.zip", zipped(volume), structured=(m.zip_members, m.zip_members), weight=2, shape=None),
    Seed("v2.zarr/", foreign_zarr(2), structured=ZARR, weight=2, shape=None),
    Seed("v3.zarr/", foreign_zarr(3), structured=ZARR, shape=None),
    Seed("job.yaml", text(JOB), "job", TEXT, shape=None),
    Seed("comparison.yaml", text(COMPARISON), "comparison", TEXT, shape=None),
    Seed("package/", package, "model", ZARR, shape=None, weight=0.5),
    Seed("weights.safetensors", weights, "weights", (m.numbers, m.words), shape=None),
    Seed("weights.pt", torch_weights, "weights", (m.zip_members,), shape=None),
]  # fmt: skip


def made(seed: Seed, folder: Path) -> Path:
    """Write a seed into a folder, and return where it lies."""
    path = folder / seed.name.rstrip("/")
    seed.make(path)
    return path


def mended(path: Path) -> None:
    """Make a changed model package state its own digest, so that its other checks are reached."""
    from mesofuse.models.package import _digest

    file = path / "model.json"
    try:
        record = json.loads(file.read_text("utf-8"))
        record["digest"] = _digest(record)
        file.write_text(json.dumps(record), "utf-8")
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return
