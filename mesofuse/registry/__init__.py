"""Finds plugins and holds what they supply. Importing this package, or listing plugins, imports no torch."""

from mesofuse.registry.component import Component
from mesofuse.registry.registry import PluginInfo, PluginProblem, Registry, get_registry, load_registry

__all__ = ["Component", "PluginInfo", "PluginProblem", "Registry", "get_registry", "load_registry"]
