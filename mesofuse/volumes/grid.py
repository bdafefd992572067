"""Where voxels are: regions in voxel coordinates, and grids with a voxel size and a unit."""

from __future__ import annotations

import contextlib
import html
import itertools
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mesofuse.errors import UserError, nearest

Triple = tuple[int, int, int]
Scale = tuple[float, float, float]

AXES = ("z", "y", "x")
# OME-Zarr unit names with the spellings that users and file formats give them: lower-case, singular, without accents.
UNITS = {
    "picometer": ("picometer", "picometre", "pm"),
    "angstrom": ("angstrom", "a"),
    "nanometer": ("nanometer", "nanometre", "nm"),
    "micrometer": ("micrometer", "micrometre", "micrometro", "mikrometer", "micron", "mikron", "micra", "um", "µm"),
    "millimeter": ("millimeter", "millimetre", "mm"),
    "centimeter": ("centimeter", "centimetre", "zentimeter", "cm"),
    "decimeter": ("decimeter", "decimetre", "dm"),
    "meter": ("meter", "metre", "m"),
    "kilometer": ("kilometer", "kilometre", "km"),
    "inch": ("inch", "inches", "in"),
    "pixel": ("pixel", "voxel", "pix", "px"),
}
SYMBOLS = {
    "picometer": "pm",
    "angstrom": "Å",
    "nanometer": "nm",
    "micrometer": "µm",
    "millimeter": "mm",
    "centimeter": "cm",
    "decimeter": "dm",
    "meter": "m",
    "kilometer": "km",
    "inch": "in",
    "pixel": "voxel",
}
_BY_SPELLING = {spelling: name for name, spellings in UNITS.items() for spelling in spellings}
_OTHER_PREFIXES = ("Mm", "Pm")  # mega and peta, which lower case would turn into milli and pico
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})", re.IGNORECASE)
_PER_VOXEL = re.compile(r"\s*(/|per)\s*(pixel|voxel|px|pix|slice)s?$")


def parse_unit(text: str) -> str:
    """Return the OME-Zarr name of a length unit (``"um"`` → ``"micrometer"``); ``pixel`` means unknown.

    Case, plurals, accents, brackets and an added "per pixel" do not matter; ``µ`` may be either of Unicode's, escaped
    (``\\u00B5``, ``&micro;``), or UTF-8 that was taken for Latin-1.

    Raises:
        UserError: If it is not a unit of length that is known.
    """
    if (key := _plain_unit(text)) in _BY_SPELLING:
        return _BY_SPELLING[key]
    if len(key) > 3 and (singular := key.removesuffix("s")) in _BY_SPELLING:
        return _BY_SPELLING[singular]
    raise UserError(f"{text[:40]!r} is not a unit of length.{nearest(key[:40], _BY_SPELLING)}")


def _plain_unit(text: str) -> str:
    """Return a unit's spelling as `UNITS` has it, but for a plural; nothing where a letter was lost."""
    if len(text) > 64 or text.strip() in _OTHER_PREFIXES:
        return ""
    text = html.unescape(_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text))
    with contextlib.suppress(UnicodeError):
        text = text.encode("cp1252").decode("utf-8")
    letters = [c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c)]
    word = "".join(letters).replace("\N{GREEK SMALL LETTER MU}", "\N{MICRO SIGN}").strip(" \t\r\n\0.[](){}")
    return re.sub(r"[\s_-]", "", _PER_VOXEL.sub("", word))


def parse_scale(text: str | float | Sequence[float]) -> Scale:
    """Return a scale factor per axis (z, y, x) from ``4``, ``"4"``, ``"4,4,2"`` or three numbers.

    Raises:
        UserError: If it is not one or three finite numbers ≥ 1.
    """
    parts: Sequence[object] = (
        text.split(",") if isinstance(text, str) else [text] if isinstance(text, (int, float)) else text
    )
    try:
        values = [float(part) for part in parts]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        values = []
    if len(values) not in (1, 3) or not all(math.isfinite(v) and v >= 1 for v in values):
        raise UserError(
            f"The scale factor {text!r} is not usable: give one number, or three as z,y,x, each at least 1 "
            "(how many high-resolution voxels lie along one scan voxel), for example 4 or 4,4,2."
        )
    return (values[0],) * 3 if len(values) == 1 else (values[0], values[1], values[2])


def parse_size(text: str | int | Sequence[int]) -> Triple:
    """Return voxels along z, y, x from ``256``, ``"256"``, ``"64,256,256"`` or three numbers.

    Raises:
        UserError: If it is not one or three whole numbers ≥ 1.
    """
    parts: Sequence[object] = text.split(",") if isinstance(text, str) else [text] if isinstance(text, int) else text
    try:
        values = [int(str(part)) for part in parts]
    except (TypeError, ValueError):
        values = []
    if len(values) not in (1, 3) or min(values) < 1:
        raise UserError(
            f"The size {text!r} is not usable: give the result's voxels as one whole number, or three as z,y,x, for "
            "example 256 or 64,256,256."
        )
    return (values[0],) * 3 if len(values) == 1 else (values[0], values[1], values[2])


def parse_axes(text: str) -> str:
    """Return axes such as ``"zx"`` in order, each once; commas and spaces may stand between.

    Raises:
        UserError: If a letter is not z, y or x, or comes twice.
    """
    letters = [c for c in str(text).lower() if c not in ", "]
    if len(set(letters)) != len(letters) or not set(letters) <= set(AXES):
        raise UserError(f"{text!r} does not name axes: give some of z, y and x, each once, for example zyx or yx.")
    return "".join(a for a in AXES if a in letters)


def scaled_edge(edge: int, scale: float) -> int:
    """Return where an input voxel edge falls on the grid ``scale`` times finer: floor(edge · scale).

    Every tile, whatever its size, uses this one rule, so neighbouring tiles meet without gap or overlap.
    """
    return math.floor(edge * scale + 1e-6)


@dataclass(frozen=True)
class Region:
    """A box of voxels, half-open: ``start <= voxel < stop`` on each axis (z, y, x)."""

    start: Triple
    stop: Triple

    @classmethod
    def whole(cls, shape: Sequence[int]) -> Region:
        """Return the region that covers a whole array of ``shape``."""
        return cls((0, 0, 0), (int(shape[0]), int(shape[1]), int(shape[2])))

    @classmethod
    def parse(cls, text: str, shape: Sequence[int]) -> Region:
        """Read ``z0:z1,y0:y1,x0:x1`` (an end left out means the volume's) and check it against ``shape``.

        Raises:
            UserError: If it is malformed, empty or reaches outside the volume.
        """
        try:
            parts = [part.split(":") for part in text.split(",")]
            if len(parts) != 3 or any(len(p) != 2 for p in parts):
                raise ValueError
            start = tuple(int(p[0]) if p[0].strip() else 0 for p in parts)
            stop = tuple(int(p[1]) if p[1].strip() else n for p, n in zip(parts, shape, strict=True))
        except ValueError:
            raise UserError(
                f"The region {text!r} is not of the form z0:z1,y0:y1,x0:x1, for example 0:64,0:64,0:64."
            ) from None
        if not all(0 <= a < b <= n for a, b, n in zip(start, stop, shape, strict=True)):
            raise UserError(
                f"The region {text!r} is empty or reaches outside the volume, whose shape is {tuple(shape)}."
            )
        return cls(start, stop)  # type: ignore[arg-type]

    @property
    def shape(self) -> Triple:
        """Voxels along each axis."""
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))  # type: ignore[return-value]

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Index of this region in an array that begins at voxel (0, 0, 0)."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))  # type: ignore[return-value]

    def within(self, outer: Region) -> tuple[slice, slice, slice]:
        """Index of this region in an array that holds ``outer``."""
        return self.shifted(tuple(-a for a in outer.start)).slices

    def shifted(self, by: Sequence[int]) -> Region:
        """Return the region moved by ``by`` voxels."""
        return Region(
            tuple(a + d for a, d in zip(self.start, by, strict=True)),  # type: ignore[arg-type]
            tuple(b + d for b, d in zip(self.stop, by, strict=True)),  # type: ignore[arg-type]
        )

    def intersect(self, other: Region) -> Region | None:
        """Return the common part, or None where there is none."""
        start = tuple(max(a, b) for a, b in zip(self.start, other.start, strict=True))
        stop = tuple(min(a, b) for a, b in zip(self.stop, other.stop, strict=True))
        return Region(start, stop) if all(a < b for a, b in zip(start, stop, strict=True)) else None  # type: ignore[arg-type]

    def grown(self, margin: Sequence[int], shape: Sequence[int] | None = None) -> Region:
        """Return the region with ``margin`` voxels more on every side, ending where a volume of ``shape`` ends."""
        if shape is None:
            return Region(
                tuple(a - m for a, m in zip(self.start, margin, strict=True)),  # type: ignore[arg-type]
                tuple(b + m for b, m in zip(self.stop, margin, strict=True)),  # type: ignore[arg-type]
            )
        return Region(
            tuple(max(0, a - m) for a, m in zip(self.start, margin, strict=True)),  # type: ignore[arg-type]
            tuple(min(n, b + m) for b, m, n in zip(self.stop, margin, shape, strict=True)),  # type: ignore[arg-type]
        )

    def scaled(self, scale: Sequence[float]) -> Region:
        """Return the region on the grid ``scale`` times finer (see `scaled_edge`)."""
        return Region(
            tuple(scaled_edge(a, s) for a, s in zip(self.start, scale, strict=True)),  # type: ignore[arg-type]
            tuple(scaled_edge(b, s) for b, s in zip(self.stop, scale, strict=True)),  # type: ignore[arg-type]
        )

    def blocks(self, shape: Sequence[int], origin: Sequence[int] = (0, 0, 0)) -> Iterator[Region]:
        """Cut the region along the grid of blocks of ``shape`` that starts at ``origin``, in C order."""
        edges = []
        for a, b, n, o in zip(self.start, self.stop, shape, origin, strict=True):
            first = o + (a - o) // n * n
            cuts = [max(a, c) for c in range(first, b, n)] + [b]
            edges.append(list(itertools.pairwise(cuts)))
        for (z0, z1), (y0, y1), (x0, x1) in itertools.product(*edges):
            yield Region((z0, y0, x0), (z1, y1, x1))

    def __str__(self) -> str:
        """Return the region as ``z0:z1,y0:y1,x0:x1``."""
        return ",".join(f"{a}:{b}" for a, b in zip(self.start, self.stop, strict=True))


@dataclass(frozen=True)
class Grid:
    """The voxels of a volume: how many, how large, where the first one lies.

    Attributes:
        shape: Voxels along z, y, x. A 2D image is a volume one voxel thick.
        voxel_size: Edge length of a voxel along z, y, x, in ``unit``; 1 where nothing is known.
        unit: OME-Zarr name of the unit of length; ``pixel`` where nothing is known.
        origin: Centre of the first voxel along z, y, x, in ``unit``.
    """

    shape: Triple
    voxel_size: Scale = (1.0, 1.0, 1.0)
    unit: str = "pixel"
    origin: Scale = (0.0, 0.0, 0.0)

    @property
    def known(self) -> bool:
        """Whether the physical voxel size is known."""
        return self.unit != "pixel"

    @property
    def symbol(self) -> str:
        """The unit's symbol for people, for example ``µm``."""
        return SYMBOLS.get(self.unit, self.unit)

    @property
    def region(self) -> Region:
        """The region that covers the whole grid."""
        return Region.whole(self.shape)

    @property
    def extent(self) -> Scale:
        """Physical length along z, y, x."""
        return tuple(n * v for n, v in zip(self.shape, self.voxel_size, strict=True))  # type: ignore[return-value]

    def refined(self, scale: Sequence[float]) -> Grid:
        """Return the grid ``scale`` times finer that fills the same space, its corner where this one's corner is."""
        voxel = tuple(v / s for v, s in zip(self.voxel_size, scale, strict=True))
        origin = tuple(o - v / 2 + w / 2 for o, v, w in zip(self.origin, self.voxel_size, voxel, strict=True))
        return Grid(self.region.scaled(scale).shape, voxel, self.unit, origin)  # type: ignore[arg-type]

    def coarsened(self, scale: Sequence[float]) -> Grid:
        """Return the grid of ``scale`` times larger voxels that fit into this one, its corner where this one's is.

        It has as many voxels as fit whole, so that it, refined, is this grid or the beginning of it.

        Raises:
            UserError: If not one voxel fits.
        """
        shape = tuple(math.ceil((n + 1 - 1e-6) / s) - 1 for n, s in zip(self.shape, scale, strict=True))
        if min(shape) < 1:
            raise UserError(
                f"A volume of {' × '.join(map(str, self.shape))} voxels is smaller than one scan voxel at the scale "
                f"factor {','.join(f'{s:g}' for s in scale)}; give a smaller --scale (1 along the axis of a single "
                "plane)."
            )
        voxel = tuple(v * s for v, s in zip(self.voxel_size, scale, strict=True))
        origin = tuple(o + v * (s - 1) / 2 for o, v, s in zip(self.origin, self.voxel_size, scale, strict=True))
        return Grid(shape, voxel, self.unit, origin)  # type: ignore[arg-type]

    def in_own_voxels(self) -> Grid:
        """Return the grid with lengths counted in its own shortest voxel edge where the voxel size is unknown.

        A result made from a scan of unknown voxel size lies on a grid that counts the scan's voxels; measured by itself
        it is to be compared with images that count their own.
        """
        if self.known:
            return self
        own = min(self.voxel_size)
        voxel, origin = (tuple(v / own for v in values) for values in (self.voxel_size, self.origin))
        return replace(self, voxel_size=voxel, origin=origin)  # type: ignore[arg-type]

    def cropped(self, region: Region) -> Grid:
        """Return the grid of a part of this one, its origin moved along."""
        origin = tuple(o + a * v for o, a, v in zip(self.origin, region.start, self.voxel_size, strict=True))
        return replace(self, shape=region.shape, origin=origin)  # type: ignore[arg-type]
