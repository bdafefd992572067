"""Import one plugin in isolation, check its hooks against the hookspecs, and ask them."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pluggy

from mesofuse.errors import nearest
from mesofuse.interfaces.component import API_VERSION
from mesofuse.registry import hookspecs
from mesofuse.registry.discovery import FoundPlugin

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("mesofuse_"))


class HookError(Exception):
    """What is wrong with a plugin, as one sentence."""


@dataclass(frozen=True)
class Plugin:
    """An imported plugin with a pluggy manager of its own, so that no other plugin can get in its way."""

    manager: pluggy.PluginManager
    module: ModuleType

    def ask(self, hook: str) -> list[Any]:
        """Return what a hook that gives a list gives; an empty list where the plugin does not implement it.

        Raises:
            HookError: If the hook raises, or gives something else.
        """
        try:
            answers = getattr(self.manager.hook, hook)()
        except (Exception, SystemExit) as error:
            raise HookError(f"{hook} raised {type(error).__name__}: {error}") from error
        answer = answers[0] if answers else []
        if not isinstance(answer, (list, tuple)):
            raise HookError(f"{hook} returned {type(answer).__name__}; it must return a list.")
        return list(answer)

    @property
    def listener(self) -> Callable[..., Any] | None:
        """The caller of its ``mesofuse_event``, or None where it has none."""
        hook = self.manager.hook.mesofuse_event
        return hook if hook.get_hookimpls() else None


def import_plugin(found: FoundPlugin, module: ModuleType | None = None) -> Plugin:
    """Import a plugin (unless its module is given) and check it.

    Raises:
        HookError: If it can't be imported, was written for another API version, or implements a hook wrongly.
    """
    if found.error:
        raise HookError(found.error)
    if module is None:
        try:
            module = importlib.import_module(found.module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # even a SystemExit at import must not end the program
            raise HookError(f"importing {found.module} raised {type(error).__name__}: {error}") from error
    _check_api(module)
    manager = pluggy.PluginManager("mesofuse")
    manager.add_hookspecs(hookspecs)
    _check_names(manager, module)
    try:
        manager.register(module, name=found.name)
    except pluggy.PluginValidationError as error:
        raise HookError(f"a hook has the wrong signature: {' '.join(str(error).split())}") from error
    return Plugin(manager, module)


def _check_api(module: ModuleType) -> None:
    """Refuse a plugin that was written for another interface, or does not say for which."""
    api = getattr(module, "MESOFUSE_API", None)
    if api is None:
        raise HookError(f"{module.__name__} does not state MESOFUSE_API; this mesofuse has plugin API {API_VERSION}.")
    if type(api) is not int or api != API_VERSION:
        raise HookError(f"it is written for plugin API {api!r}, but this mesofuse has plugin API {API_VERSION}.")


def _check_names(manager: pluggy.PluginManager, module: ModuleType) -> None:
    """Refuse hooks that do not exist, and hooks without the marker, which would never be called."""
    for name, value in vars(module).items():
        if not (name.startswith("mesofuse_") and inspect.isroutine(value)):
            continue
        if name not in HOOKS:
            raise HookError(f"there is no hook {name!r}.{nearest(name, HOOKS)}")
        if manager.parse_hookimpl_opts(module, name) is None:
            raise HookError(
                f"{name} lacks the marker @hookimpl of mesofuse.interfaces.hookimpl and would never be called."
            )
