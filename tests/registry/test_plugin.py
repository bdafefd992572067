import types

import pytest

from mesofuse.interfaces.hookimpl import hookimpl
from mesofuse.registry.discovery import FoundPlugin
from mesofuse.registry.plugin import HookError, import_plugin

FOUND = FoundPlugin("mine", "mine", "1", "mine")


def module(**hooks):
    made = types.ModuleType("mine")
    made.MESOFUSE_API = 1
    for name, value in hooks.items():
        setattr(made, name, value)
    return made


def test_a_hook_may_leave_out_arguments():
    calls = []

    @hookimpl
    def mesofuse_event():
        calls.append(1)

    import_plugin(FOUND, module(mesofuse_event=mesofuse_event)).listener(event=None)
    assert calls == [1]


def test_a_plugin_without_hooks_supplies_nothing():
    plugin = import_plugin(FOUND, module(mesofuse_version="1.0"))  # a name alone is no hook
    assert plugin.ask("mesofuse_components") == []
    assert plugin.listener is None


def test_a_fault_of_the_entry_point_is_handed_on():
    with pytest.raises(HookError, match="its entry point is odd"):
        import_plugin(FoundPlugin("mine", "mine", "1", "", "its entry point is odd"))
