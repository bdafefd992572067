"""The hooks that a plugin may implement; docs/hooks.md explains each one."""

from __future__ import annotations

import pluggy

from mesofuse.interfaces.component import ComponentSpec, FormatSpec
from mesofuse.interfaces.events import Event

hookspec = pluggy.HookspecMarker("mesofuse")


@hookspec
def mesofuse_components() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """Return the components that the plugin supplies, described by strings so that nothing heavy is imported."""


@hookspec
def mesofuse_formats() -> list[FormatSpec]:  # type: ignore[empty-body]
    """Return the file formats that the plugin reads or writes."""


@hookspec
def mesofuse_event(event: Event) -> None:
    """Follow a run: called in the process that runs it, after each training step, checkpoint, tile and job."""
