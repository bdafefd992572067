"""A component that an installed plugin supplies: imported, checked and built only when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mesofuse.errors import UserError
from mesofuse.interfaces.component import ComponentSpec
from mesofuse.interfaces.options import Options
from mesofuse.registry.explain import explain


@dataclass(frozen=True)
class Component:
    """A registered component.

    Attributes:
        spec: Its description.
        plugin: Name of the plugin's entry point.
        distribution: Name of the distribution that holds it.
        version: Version of that distribution.
        module: The torch-free module that describes it.
    """

    spec: ComponentSpec
    plugin: str
    distribution: str
    version: str
    module: str

    def __str__(self) -> str:
        """Return what a sentence calls it, for example ``generator 'superres'``."""
        return f"{self.spec.kind} {self.spec.name!r}"

    def load(self) -> type[Any]:
        """Import and return the class.

        Raises:
            UserError: If its module can't be imported or has no such class.
        """
        loaded: type[Any] = self._import(self.spec.target)
        return loaded

    def options_model(self) -> type[Options]:
        """Import and return the pydantic model of the options.

        Raises:
            UserError: If its module can't be imported, or it is not a subclass of `Options`.
        """
        model = self._import(self.spec.options)
        if not (isinstance(model, type) and issubclass(model, Options)):
            raise UserError(
                f"The {self} of {self.distribution} names {self.spec.options} as its options, "
                "which is not a subclass of mesofuse.interfaces.options.Options."
            )
        return model

    def options(self, data: Mapping[str, Any] | Options | None = None) -> Options:
        """Return checked options.

        Raises:
            UserError: If an option is unknown (the nearest is named) or a value is not allowed.
        """
        from pydantic import ValidationError

        model = self.options_model()
        if isinstance(data, model):
            return data
        try:
            return model.model_validate(data.model_dump() if isinstance(data, Options) else dict(data or {}))
        except ValidationError as error:
            raise UserError(explain(error, f"the {self}", model)) from error

    def build(self, options: Mapping[str, Any] | Options | None = None, *args: Any) -> Any:
        """Return an instance, built as ``Class(options, *args)`` with checked options.

        Raises:
            UserError: See `options` and `load`.
        """
        return self.load()(self.options(options), *args)

    def _import(self, target: str) -> Any:
        """Return what ``package.module:Name`` names."""
        module, _, name = target.partition(":")
        try:
            return getattr(importlib.import_module(module), name)
        except (Exception, SystemExit) as error:
            raise UserError(
                f"The {self} of {self.distribution} can't be loaded from {target}: {type(error).__name__}: {error}"
            ) from error
