"""The registry: what the installed plugins supply, and what is wrong with those that supply nothing."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from mesofuse.errors import UserError, nearest
from mesofuse.interfaces.component import KINDS, ComponentSpec, FormatSpec
from mesofuse.interfaces.events import Event
from mesofuse.registry.component import Component
from mesofuse.registry.discovery import FoundPlugin, find_plugins
from mesofuse.registry.plugin import HookError, import_plugin
from mesofuse.registry.validate import component_error, format_error


@dataclass(frozen=True)
class PluginProblem:
    """Why a plugin, or a part of it, is left out: its name, its distribution, and one sentence."""

    plugin: str
    distribution: str
    error: str

    def __str__(self) -> str:
        """Return the whole as one sentence."""
        return f"Plugin {self.plugin!r} of {self.distribution or 'no distribution'}: {self.error}"


@dataclass(frozen=True)
class PluginInfo:
    """A plugin that loaded, with its components."""

    name: str
    distribution: str
    version: str
    module: str
    components: tuple[Component, ...]


class Registry:
    """What the plugins supply; made by `load_registry`.

    Attributes:
        plugins: The plugins that loaded, in the order they did.
        problems: What is wrong with others, or with single parts.
        formats: File formats that plugins supply (the core's own are not among them).
        strict: Whether a problem raises.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.plugins: list[PluginInfo] = []
        self.problems: list[PluginProblem] = []
        self.formats: tuple[FormatSpec, ...] = ()
        self.strict = strict
        self._components: dict[tuple[str, str], Component] = {}
        self._listeners: list[tuple[FoundPlugin, Callable[..., Any]]] = []
        self._failed: set[FoundPlugin] = set()

    def find(self, kind: str, name: str) -> Component:
        """Return the component of that kind and name.

        Raises:
            UserError: If there is none; the nearest is named.
        """
        if kind not in KINDS:
            raise UserError(f"{kind!r} is not a kind of component.{nearest(kind, KINDS)}")
        found = self._components.get((kind, name))
        if found is None:
            broken = sorted({p.distribution or p.plugin for p in self.problems})
            hint = f" (Not loaded in full: {', '.join(broken)}; see `mesofuse plugins list`.)" if broken else ""
            if not self._components and not broken:
                raise UserError(
                    f"There is no {kind} {name!r}, as no plugin is installed: pip install 'mesofuse[all]' brings the "
                    "standard methods, networks, losses and metrics."
                )
            raise UserError(
                f"There is no {kind} {name!r}.{nearest(name, [c.spec.name for c in self.components(kind)])}{hint}"
            )
        return found

    def components(self, kind: str | None = None) -> list[Component]:
        """Return the components (of one kind), sorted by kind and name."""
        return [c for (k, _), c in sorted(self._components.items()) if kind in (None, k)]

    def emit(self, event: Event) -> None:
        """Hand an event to every plugin that listens; one that raises is reported once and harms nothing."""
        for plugin, listener in self._listeners:
            try:
                listener(event=event)
            except (Exception, SystemExit) as error:
                if plugin not in self._failed:
                    self._failed.add(plugin)
                    self.report(plugin, f"mesofuse_event raised {type(error).__name__}: {error}")

    def report(self, plugin: FoundPlugin, error: str) -> None:
        """Note a problem; raise it in strict mode."""
        problem = PluginProblem(plugin.name, plugin.distribution, error)
        self.problems.append(problem)
        if self.strict:
            raise UserError(str(problem))

    def add(self, found: FoundPlugin, module: ModuleType | None = None) -> None:
        """Take in one plugin: import it unless ``module`` is given, ask its hooks, keep what is sound."""
        try:
            plugin = import_plugin(found, module)
            specs, formats = plugin.ask("mesofuse_components"), plugin.ask("mesofuse_formats")
        except HookError as error:
            self.report(found, str(error))
            return
        kept = [c for spec in specs if (c := self._take(spec, found)) is not None]
        for spec in formats:
            self._take_format(spec, found)
        if plugin.listener is not None:
            self._listeners.append((found, plugin.listener))
        self.plugins.append(PluginInfo(found.name, found.distribution, found.version, found.module, tuple(kept)))

    def _take(self, spec: ComponentSpec, plugin: FoundPlugin) -> Component | None:
        """Register a component; report an invalid one, and one whose name is taken, and return None."""
        error = component_error(spec)
        if not error and (taken := self._components.get((spec.kind, spec.name))):
            error = (
                f"it supplies a {spec.kind} {spec.name!r}, but {taken.distribution} supplied one first, which is kept."
            )
        if error:
            self.report(plugin, error)
            return None
        component = Component(spec, plugin.name, plugin.distribution, plugin.version, plugin.module)
        self._components[spec.kind, spec.name] = component
        return component

    def _take_format(self, spec: FormatSpec, plugin: FoundPlugin) -> None:
        """Register a format; report an invalid one and one whose name is taken."""
        error = format_error(spec)
        if not error and spec.name in [f.name for f in self.formats]:
            error = f"it supplies a format {spec.name!r}, which another plugin supplied first."
        if error:
            self.report(plugin, error)
        else:
            self.formats = (*self.formats, spec)


def load_registry(
    *, only: Iterable[str] | None = None, strict: bool = False, extra: Sequence[ModuleType] = ()
) -> Registry:
    """Find and import the plugins and return a fresh registry.

    Args:
        only: Names of the entry points to load; all where it is None.
        strict: Raise at the first problem instead of noting it.
        extra: Plugin modules that are imported already and have no entry point; loaded last.

    Raises:
        UserError: If a plugin has a problem in strict mode.
    """
    registry = Registry(strict=strict)
    found = find_plugins()
    wanted = None if only is None else set(only)
    for name in sorted((wanted or set()) - {p.name for p in found}):
        registry.report(
            FoundPlugin(name, "", "", ""), f"it is asked for but not installed.{nearest(name, [p.name for p in found])}"
        )
    for plugin in found:
        if wanted is None or plugin.name in wanted:
            registry.add(plugin)
    for module in extra:
        registry.add(FoundPlugin(module.__name__, module.__name__, "", module.__name__), module)
    return registry


@functools.cache
def get_registry() -> Registry:
    """Return the process's registry, loaded once.

    ``MESOFUSE_PLUGINS`` (entry point names, separated by commas) restricts what loads; ``MESOFUSE_STRICT=1`` makes a
    problem raise.
    """
    names = [n.strip() for n in os.environ.get("MESOFUSE_PLUGINS", "").split(",") if n.strip()]
    return load_registry(only=names or None, strict=os.environ.get("MESOFUSE_STRICT", "") not in ("", "0"))
