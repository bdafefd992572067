"""A check, its result, and how a check fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mesofuse.registry import Component


class Failed(AssertionError):
    """The component breaks the rule; the message says how."""


class Skipped(Exception):
    """The rule does not apply; the message says why."""


@dataclass(frozen=True)
class CheckResult:
    """How a check went: its name, ``pass``, ``fail`` or ``skip``, and what there is to say."""

    name: str
    status: Literal["pass", "fail", "skip"]
    detail: str = ""

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.status}  {self.name}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True)
class Check:
    """A rule that components of a kind fulfil.

    Attributes:
        name: Its name, for example ``halo``.
        rule: The rule in one sentence.
        run: Raises `Failed` or `Skipped`; may return a remark.
    """

    name: str
    rule: str
    run: Callable[[Component], str | None]

    def __call__(self, component: Component) -> CheckResult:
        """Check a component; an exception of its own is a failure."""
        try:
            return CheckResult(self.name, "pass", self.run(component) or "")
        except Skipped as reason:
            return CheckResult(self.name, "skip", str(reason))
        except Failed as error:
            return CheckResult(self.name, "fail", str(error))
        except Exception as error:
            return CheckResult(self.name, "fail", f"it raised {type(error).__name__}: {error}")


def require(condition: object, message: str) -> None:
    """Raise `Failed` with the message unless the condition holds."""
    if not condition:
        raise Failed(message)
