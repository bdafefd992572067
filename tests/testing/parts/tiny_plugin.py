"""A torch-free plugin module, with options good and bad."""

from typing import Any, ClassVar

from pydantic import ConfigDict, Field, field_validator

from mesofuse.interfaces.options import Options

MESOFUSE_API = 1


class TinyOptions(Options):
    width: int = Field(3, ge=1, description="Channels.")

    presets: ClassVar[dict[str, dict[str, Any]]] = {"wide": {"width": 5}}


class Drifting(TinyOptions):
    @field_validator("width")
    @classmethod
    def drift(cls, value: int) -> int:
        return value + 1


class Undescribed(TinyOptions):
    depth: int = 1


class Required(TinyOptions):
    depth: int = Field(description="No default.")


class Lenient(TinyOptions):
    model_config = ConfigDict(extra="allow")


class BadPreset(TinyOptions):
    presets: ClassVar[dict[str, dict[str, Any]]] = {"thin": {"width": 0}}
