"""The conformance kit: what a component must fulfil, for plugin authors and for ``mesofuse plugins check``.

In a plugin's tests::

    from mesofuse.testing import assert_conforms

    def test_conforms():
        assert_conforms("generator", "my-generator")

A component's class may say on what it is to be checked: ``test_scales``, scale factors that it accepts (numbers or
triples; 2 and 4 otherwise), and ``test_options``, options that make it quick to check (the defaults otherwise).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from mesofuse.testing.checks import Check, CheckResult, Failed, Skipped

if TYPE_CHECKING:
    from mesofuse.registry import Component

__all__ = ["Check", "CheckResult", "Failed", "Skipped", "assert_conforms", "checks_for", "run_checks"]


def checks_for(component: Component) -> list[Check]:
    """Return the checks of the component's kind."""
    common = import_module("mesofuse.testing.common")
    kind = import_module(f"mesofuse.testing.{component.spec.kind}")
    return [*common.CHECKS, *kind.CHECKS]


def run_checks(component: Component) -> list[CheckResult]:
    """Run every check and return the results; none raises."""
    return [check(component) for check in checks_for(component)]


def assert_conforms(kind: str, name: str) -> None:
    """Fail with every broken rule unless the registered component conforms.

    Raises:
        AssertionError: If it breaks a rule.
        UserError: If there is no such component.
    """
    from mesofuse.registry import get_registry

    component = get_registry().find(kind, name)
    failed = [result for result in run_checks(component) if result.status == "fail"]
    assert not failed, f"The {component} breaks {len(failed)} rules:\n" + "\n".join(map(str, failed))
