"""Which plugins are installed: the entry points of group ``mesofuse.plugins``. The one file that reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import TypeVar

import entrypoints

GROUP = "mesofuse.plugins"

T = TypeVar("T")


@dataclass(frozen=True)
class FoundPlugin:
    """An entry point that is installed but not imported.

    Attributes:
        name: Name of the entry point, which ``MESOFUSE_PLUGINS`` lists.
        distribution: Normalised name of the distribution, for example ``mesofuse-superres``.
        version: Its version.
        module: The module to import; empty where ``error`` says why there is none.
        error: What is wrong with the entry point; empty where nothing is.
    """

    name: str
    distribution: str
    version: str
    module: str
    error: str = ""


def find_plugins() -> list[FoundPlugin]:
    """Return every installed plugin, those of distributions called ``mesofuse-…`` first, then by name.

    A distribution of which the import path holds two copies counts once, as the copy that Python would import.
    """
    try:
        found = list(_by_entrypoints())
    except Exception:  # one malformed entry_points.txt anywhere on the path makes the package give up on all
        found = list(_by_metadata())
    return sorted(found, key=lambda p: (not p.distribution.startswith("mesofuse-"), p.distribution, p.name))


def _by_entrypoints() -> Iterator[FoundPlugin]:
    for config, distribution in entrypoints.iter_files_distros():
        if GROUP not in config:
            continue
        for name, target in config[GROUP].items():
            yield _entry(name, target, distribution.name, distribution.version)


def _by_metadata() -> Iterator[FoundPlugin]:
    seen = set()
    for distribution in metadata.distributions():
        name, version = _name_version(distribution)
        text = _quietly(lambda d=distribution: d.read_text("entry_points.txt")) or ""  # type: ignore[misc]
        if not text or name in seen:
            continue
        seen.add(name)
        entries = _quietly(lambda d=distribution: list(d.entry_points))  # type: ignore[misc]
        if entries is None and GROUP in text:
            yield FoundPlugin("", name, version, "", "its entry_points.txt is malformed.")
        for entry in entries or []:
            if entry.group == GROUP:
                yield _entry(entry.name, entry.value, name, version)


def _entry(name: str, target: str, distribution: str, version: str | None) -> FoundPlugin:
    """Return the plugin of one line of entry_points.txt."""
    distribution = re.sub(r"[-_.]+", "-", distribution).lower()
    try:
        point = entrypoints.EntryPoint.from_string(target, name)
    except entrypoints.BadEntryPoint:
        return FoundPlugin(name, distribution, version or "", "", f"its entry point {target!r} does not name a module.")
    if point.object_name:
        error = f"its entry point {target!r} names an object; it must name a module, such as {point.module_name!r}."
        return FoundPlugin(name, distribution, version or "", "", error)
    return FoundPlugin(name, distribution, version or "", point.module_name)


def _name_version(distribution: metadata.Distribution) -> tuple[str, str]:
    """Return the distribution's normalised name and its version, empty where its metadata can't be read."""
    name = _quietly(lambda: distribution.metadata["Name"]) or ""
    version = _quietly(lambda: distribution.version) or ""
    return re.sub(r"[-_.]+", "-", name).lower(), version


def _quietly(read: Callable[[], T]) -> T | None:
    """Return what ``read`` returns, or None where a stranger's broken metadata makes it raise."""
    try:
        return read()
    except Exception:
        return None
