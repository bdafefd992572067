"""Opening several files so that a label means the same phase in each, or refusing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mesofuse.errors import UserError
from mesofuse.volumes.labelling import LabelMapping
from mesofuse.volumes.labels import Labels

MAX_LABEL = 32
"""Values below are numbers of phases, those from here on codes of grey."""
Opened = tuple[Labels, LabelMapping]


def open_alike(
    paths: Sequence[str],
    read: Callable[[str, Sequence[str]], Opened],
    names: Sequence[str] = (),
    *,
    beside: Mapping[str, Opened] | None = None,
) -> dict[str, Opened]:
    """Open files whose labels are to be compared; those without names of their own take them from one that has.

    Args:
        paths: The files.
        read: Opens a file, with names for its phases (by label) or none.
        names: Names that the user gives, which say which phase each label is.
        beside: Files that are open already and must mean the same; they come first.

    Returns:
        Labels and mapping of each path.

    Raises:
        UserError: If nothing says which phase of one file is which of another.
    """
    ready = dict(beside or {})
    files = ready | {path: read(path, names) for path in paths}
    bare = [path for path, (volume, _) in files.items() if unnamed(volume)]
    named = next((volume for volume, _ in files.values() if not unnamed(volume)), None)
    if names:
        return {path: files[path] for path in paths}
    if named is None:
        check_same(files)
    else:
        for path in bare:
            _check_labels(path, files[path], len(named.phases))
        files |= {path: read(path, [p.name for p in named.phases]) for path in bare if path not in ready}
    return {path: files[path] for path in paths}


def unnamed(volume: Labels) -> bool:
    """Return whether neither a file nor a user has named a volume's phases."""
    return all(phase.name == f"phase {phase.value}" for phase in volume.phases)


def numbers(mapping: LabelMapping) -> tuple[int, ...] | None:
    """Return a file's values where they are numbers of phases.

    Codes of grey, such as 0, 128, 255, and colours give None: they can't be mistaken for labels and are taken in their
    order.
    """
    values = tuple(v for v in mapping.originals if isinstance(v, int) and 0 <= v < MAX_LABEL)
    return values if len(values) == len(mapping.originals) else None


def check_same(files: Mapping[str, Opened]) -> None:
    """Refuse files without names of which one may lack a phase, such as 0, 1 next to 0, 1, 2, or 0, 2 next to 0, 1.

    Args:
        files: What is opened, by path.

    Raises:
        UserError: If the files have different numbers of phases, or different numbers for them.
    """
    counts = {path: len(volume.phases) for path, (volume, _) in files.items()}
    if len(set(counts.values())) > 1:
        listing = ", ".join(f"{path} has {count}" for path, count in counts.items())
        raise UserError(
            f"The files have different numbers of phases ({listing}), so it is not clear which is which: "
            "name the phases by label, for example --phases pore,active,binder."
        )
    plain = {path: found for path, (_, mapping) in files.items() if (found := numbers(mapping)) is not None}
    if len(set(plain.values())) > 1:
        listing = "; ".join(f"{path} has {_listed(values)}" for path, values in plain.items())
        raise UserError(
            f"The files hold different values ({listing}), so it is not clear which phase is missing where: name the "
            "phases by label, for example --phases pore,active,binder."
        )


def check_shown_by_number(scan: str, low: LabelMapping, high: LabelMapping) -> None:
    """Refuse a scan whose phases can't be matched with the image's by their numbers, which is done without rules.

    Args:
        scan: What to call the scan.
        low: The scan's values.
        high: Those of the image or result that it is matched with.

    Raises:
        UserError: If the scan has other numbers than the first of the other's.
    """
    mine, theirs = numbers(low), numbers(high)
    if mine is None or theirs is None or mine == theirs[: len(mine)]:
        return
    raise UserError(
        f"{scan} has the values {_listed(mine)}, but what it is matched with has {_listed(theirs)}, so it is not clear "
        "which phase shows which: say it with --shows, by label (the values in order are 0, 1 …), for example "
        "--shows 0=pore,binder --shows 1=active."
    )


def _check_labels(path: str, opened: Opened, count: int) -> None:
    """Refuse a file without names whose values are not labels of the phases that another file names."""
    mapping = opened[1]
    values = numbers(mapping)
    if len(mapping.originals) == count if values is None else max(values) < count:
        return
    raise UserError(
        f"{path} has the values {_listed(mapping.originals)}, so it is not clear which of the {count} phases that "
        f"the other file names they are: label them 0 … {count - 1}, or name the phases of all files by label, for "
        "example --phases pore,active,binder."
    )


def _listed(values: Sequence[int | str]) -> str:
    return ", ".join(map(str, values))
