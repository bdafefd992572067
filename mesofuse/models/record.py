"""The file model.json of a package: read within bounds, and every field checked before it is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mesofuse.errors import UserError
from mesofuse.interfaces.problem import Content
from mesofuse.volumes.grid import UNITS
from mesofuse.volumes.phases import MAX_PHASES

RECORD = "model.json"
FORMAT = 1
RECORD_BYTES = 2**24
"""Longest model.json that is read; ordinary ones have some kilobytes."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Factor = Annotated[float, Field(ge=1, le=1024, allow_inf_nan=False)]
Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Edge = Annotated[int, Field(ge=1, le=2**20, strict=True)]
Reach = Annotated[int, Field(ge=0, le=2**20, strict=True)]


class _Checked(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Phase(_Checked):
    value: int = Field(ge=0, lt=MAX_PHASES, strict=True)
    name: Name
    color: str = Field(pattern=r"^#[0-9a-fA-F]{6}$")

    model_config = ConfigDict(extra="forbid")


class _Problem(_Checked):
    scale: tuple[Factor, Factor, Factor]
    low_phases: tuple[_Phase, ...] = Field(max_length=MAX_PHASES)
    phases: tuple[_Phase, ...] = Field(max_length=MAX_PHASES)
    shows: tuple[tuple[int, ...], ...]
    content: Content = "phases"

    @field_validator("low_phases", "phases")
    @classmethod
    def _in_order(cls, phases: tuple[_Phase, ...]) -> tuple[_Phase, ...]:
        if [p.value for p in phases] != list(range(len(phases))) or len({p.name for p in phases}) < len(phases):
            raise ValueError("phases need the values 0, 1, 2 … in this order, each with a name of its own")
        return phases

    @model_validator(mode="after")
    def _fits_together(self) -> _Problem:
        if (self.content == "phases") != bool(self.phases):
            raise ValueError("it has phases, or grey values or colours")
        if len(self.shows) != len(self.low_phases):
            raise ValueError("there must be one rule for each scan phase in 'shows'")
        shown = [value for values in self.shows for value in values]
        if len(set(shown)) < len(shown) or not all(0 <= v < len(self.phases) for v in shown) or not all(self.shows):
            raise ValueError("each rule in 'shows' must name phases of the image, each phase at most once")
        return self


class _SelfTest(_Checked):
    sha256: Digest


class _Budget(_Checked):
    steps: int | None = None
    minutes: float | None = None


class _Provenance(_Checked):
    interrupted: bool = False
    budget: _Budget | None = None
    voxel_size: tuple[Length, Length, Length] | None = None
    unit: str | None = None
    inputs: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, Any] = Field(default_factory=dict)

    @field_validator("unit")
    @classmethod
    def _known(cls, unit: str | None) -> str | None:
        if unit is not None and unit not in UNITS:
            raise ValueError("it is no unit of length")
        return unit


class _Record(_Checked):
    format: Literal[1]
    method: Name
    options: dict[str, Any]
    problem: _Problem
    weights_sha256: Digest
    tile: tuple[Edge, Edge, Edge]
    halo: tuple[Reach, Reach, Reach]
    self_test: _SelfTest
    provenance: _Provenance
    digest: Digest


class DamagedPackage(UserError):
    """A package's file is missing, or is not what was written."""


def read_json(file: Path, again: str) -> dict[str, Any]:
    """Return the mapping that a JSON file holds, within bounds of size and depth, each key once.

    Args:
        file: The file.
        again: What to do where it is damaged.

    Raises:
        UserError: If it is too large, is not JSON, nests too deep, names a key twice, or is no mapping.
    """
    try:
        if file.stat().st_size > RECORD_BYTES:
            raise ValueError("it is larger than 16 MiB")
        data = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_each_once)
        if not isinstance(data, dict):
            raise ValueError(f"it holds a {type(data).__name__}, not a mapping")
    except RecursionError:
        raise DamagedPackage(f"{file} is damaged (it nests too deep); {again}.") from None
    except ValueError as error:
        raise DamagedPackage(f"{file} is damaged ({str(error).rstrip('.')}); {again}.") from error
    return data


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"it names {next(k for k in keys if keys.count(k) > 1)!r} twice")
    return found


def check_record(record: dict[str, Any], file: Path, again: str) -> None:
    """Refuse a record whose fields are not what a package's are.

    Raises:
        UserError: If it is of another format, lacks a field, or a field has a value that no package has.
    """
    version = record.get("format")
    if version != FORMAT and isinstance(version, int):
        raise UserError(
            f"{file.parent} has package format {version}, but this release reads format {FORMAT}; install the release "
            "of mesofuse that wrote it, or train again."
        )
    try:
        _Record.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        words = first["msg"].removeprefix("Value error, ")
        reason = f"it lacks {where!r}" if first["type"] == "missing" else f"{where!r}: {words[:1].lower()}{words[1:]}"
        raise DamagedPackage(f"{file} is damaged ({reason}); {again}.") from error
