"""The phases of a labelled volume: value, name and colour, and which phases another instrument shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mesofuse.errors import UserError, nearest
from mesofuse.printable import printable

# Distinct for colour-blind readers and in print (Okabe-Ito after black, grey and white).
PALETTE = (
    "#1b1b1b", "#8c8c8c", "#f2f2f2", "#d55e00", "#0072b2", "#009e73", "#f0e442", "#cc79a7", "#56b4e9", "#e69f00",
)  # fmt: skip
MAX_PHASES = 255
IGNORED = 255
"""Label of a voxel that is no material: outside of a cylinder, padding, a scale bar. It is no phase."""


@dataclass(frozen=True)
class Phase:
    """One phase: its label value (0 … 254), its name (control characters as escapes), its colour as ``#rrggbb``."""

    value: int
    name: str
    color: str

    def __post_init__(self) -> None:
        """Make the name fit for tables, pages and terminals: it may come from a stranger's file."""
        object.__setattr__(self, "name", printable(self.name))

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour as three numbers from 0 to 255."""
        return (int(self.color[1:3], 16), int(self.color[3:5], 16), int(self.color[5:7], 16))


def default_phases(count: int, names: Sequence[str] = ()) -> tuple[Phase, ...]:
    """Return ``count`` phases of value 0 … count−1 with the given names (``phase 0`` … where there are none).

    Raises:
        UserError: If there are more than 255 phases, more names than phases, or a name twice.
    """
    if not 1 <= count <= MAX_PHASES:
        raise UserError(
            f"A volume has from 1 to {MAX_PHASES} phases, not {count}; is it a grey-level image that was not segmented?"
        )
    if len(names) > count:
        raise UserError(
            f"{len(names)} phase names were given ({', '.join(names)}) for {count} phases; give at most one per phase."
        )
    if len(set(names)) != len(names):
        raise UserError(f"A phase name was given twice: {', '.join(names)}; each phase needs its own.")
    return tuple(
        Phase(i, names[i] if i < len(names) else f"phase {i}", PALETTE[i % len(PALETTE)]) for i in range(count)
    )


def phase_value(name: str, phases: Sequence[Phase]) -> int:
    """Return the value of the phase called ``name`` (its name or its number).

    Raises:
        UserError: If no phase has that name or number.
    """
    for phase in phases:
        if name.strip() in (phase.name, str(phase.value)):
            return phase.value
    raise UserError(f"There is no phase {name!r}.{nearest(name, [p.name for p in phases])}")


def parse_rules(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read rules of the form ``LOW=NAME,NAME``, as `PhaseMatch.parse` takes them.

    Raises:
        UserError: If one is not of that form, or two are for the same phase.
    """
    rules: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, names = text.partition("=")
        if not equals:
            raise UserError(f"The rule {text!r} is not of the form LOW=NAME,NAME, for example 0=pore,binder.")
        if key.strip() in rules:
            raise UserError(f"Two rules say what the phase {key.strip()!r} shows; put all its phases into one.")
        rules[key.strip()] = tuple(name.strip() for name in names.split(",") if name.strip())
    return rules


@dataclass(frozen=True)
class PhaseMatch:
    """Which image phases each scan phase shows.

    ``shows[i]`` lists the high-resolution values that the scan phase ``i`` stands for. A high-resolution
    phase that no scan phase lists is not compared with the scan.
    """

    shows: tuple[tuple[int, ...], ...]

    def free(self, phases: Sequence[Phase]) -> tuple[Phase, ...]:
        """Return the image phases that no scan phase shows; none where there is no scan."""
        shown = {v for values in self.shows for v in values}
        return tuple(p for p in phases if p.value not in shown) if self.shows else ()

    @classmethod
    def by_index(cls, low: int, high: int) -> PhaseMatch:
        """Return the paper's default: scan phase ``i`` shows image phase ``i``.

        Raises:
            UserError: If the scan has more phases than the image.
        """
        if low > high:
            raise UserError(
                f"The scan has {low} phases but the image only {high}: the image must "
                "show every phase of the volume; merge phases of the volume, or use an image with more phases."
            )
        return cls(tuple((i,) for i in range(low)))

    @classmethod
    def parse(cls, rules: Mapping[str, Sequence[str]], low: Sequence[Phase], high: Sequence[Phase]) -> PhaseMatch:
        """Read rules such as ``{"pore": ["pore", "binder"], "active": ["active"]}`` (names or numbers).

        Raises:
            UserError: If a phase is unknown, an image phase is shown twice, or a scan phase has no rule.
        """
        shows: dict[int, tuple[int, ...]] = {}
        for key, names in rules.items():
            shows[phase_value(str(key), low)] = tuple(phase_value(str(n), high) for n in names)
        missing = [p.name for p in low if p.value not in shows]
        if missing:
            raise UserError(
                f"No rule says what the scan phase {missing[0]!r} shows; add one such as {missing[0]}=NAME."
            )
        flat = [v for values in shows.values() for v in values]
        twice = sorted({high[v].name for v in flat if flat.count(v) > 1})
        if twice:
            raise UserError(f"The phase {twice[0]!r} is shown by two scan phases; each may be shown by one only.")
        empty = [low[k].name for k, v in shows.items() if not v]
        if empty:
            raise UserError(f"The scan phase {empty[0]!r} shows no phase; name at least one.")
        return cls(tuple(shows[p.value] for p in low))
