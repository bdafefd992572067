"""The configuration of a comparison: one set of inputs, and the methods, models and volumes held against each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from mesofuse.config.files import beside, checked, files_beside, read_yaml
from mesofuse.config.inputs import InputsConfig
from mesofuse.config.job import JobConfig, make_job
from mesofuse.config.places import INPUTS, named_in
from mesofuse.errors import UserError
from mesofuse.interfaces.options import Options
from mesofuse.interfaces.traits import MethodTraits

METRICS = ("volume-fraction", "surface-area", "specific-surface-area", "triple-phase-boundary")
RESERVED = ("reference", "image")
MetricConfig = str | dict[str, Any]


class Entry(Options):
    """One thing compared: a method that is fitted, a model package that is applied, or a ready volume."""

    name: str = Field("", description="What it is called in the table; the method's or the file's name if left out.")
    method: dict[str, Any] | None = Field(None, description="A method to fit: its name, a preset, and its options.")
    model: str | None = Field(None, description="Folder of a model package to apply to the scan.")
    volume: str | None = Field(None, description="A volume that exists already.")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("name"):
            return data
        method = data.get("method")
        if isinstance(method, Mapping) and method.get("name"):
            name = "-".join(str(method[key]) for key in ("name", "preset") if method.get(key))
        else:
            path = Path(str(data.get("model") or data.get("volume") or ""))
            name = path.parent.name if path.stem in ("model", "fused") and path.parent.name else path.stem
        return {**data, "name": name}

    @field_validator("name")
    @classmethod
    def _fit_for_a_folder(cls, name: str) -> str:
        if not re.fullmatch(r"\w[\w.+-]*", name):
            raise ValueError("it needs a name of letters, digits, '-', '_' and '.', as a folder is called so")
        if name.lower() in RESERVED:
            raise ValueError("that name is kept for the comparison's own column")
        return name

    @model_validator(mode="after")
    def _one_source(self) -> Entry:
        if sum(source is not None for source in (self.method, self.model, self.volume)) != 1:
            raise ValueError(f"{self.name!r} must have exactly one of method, model and volume")
        return self


class ComparisonConfig(InputsConfig):
    """A comparison."""

    compare: tuple[Entry, ...] = Field(min_length=1, description="What is compared.")
    reference: str | None = Field(None, description="The true volume that errors are relative to; null: the image.")
    metrics: tuple[MetricConfig, ...] = Field(
        METRICS, min_length=1, description="What is measured: names of metrics, or mappings of name and options."
    )
    subvolumes: int = Field(256, ge=2, description="Random subvolumes measured of each volume, the same of all.")
    size: int = Field(64, ge=4, description="Edge of a subvolume in voxels.")
    judge: bool = Field(
        False,
        description="Train, for each whole volume, a classifier to tell its planes from the image, and say how often "
        "it is right.",
    )
    degradation: dict[str, Any] = Field(
        default_factory=lambda: {"name": "blur-downsample"},
        description="The model of the scan's instrument that consistency with the scan is judged by.",
    )

    @field_validator("compare")
    @classmethod
    def _told_apart(cls, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        if twice := [name for name, n in Counter(e.name for e in entries).items() if n > 1]:
            raise ValueError(f"two are called {twice[0]!r}; give one another name")
        return entries

    @property
    def metric_choices(self) -> list[str | tuple[str, dict[str, Any]]]:
        """The metrics as the measuring functions take them."""
        return [
            m if isinstance(m, str) else (str(m.get("name")), {k: v for k, v in m.items() if k != "name"})
            for m in self.metrics
        ]

    def job(self, entry: Entry) -> JobConfig:
        """Return the job of an entry that is a method, resolved; of one that takes no scan, with the images alone.

        Raises:
            UserError: If a method, preset or option is unknown, or the method needs a scan and there is none.
        """
        fields = {key: getattr(self, key) for key in InputsConfig.model_fields}
        job = make_job({**fields, "method": entry.method}, f"the comparison's {entry.name!r}").resolved()
        if takes_scan(job):
            if self.low_res is None:
                raise UserError(
                    f"{entry.name}: the method {job.method_name!r} needs a scan: add --low-res and "
                    "--scale, or leave the method out."
                )
            return job
        alone: dict[str, Any] = dict.fromkeys(("low_res", "scale", "shows", "voxel_size"))  # the scan's
        return job.model_copy(update=alone | ({} if self.image_pixel_size else {"unit": None}))

    def resolved(self) -> ComparisonConfig:
        """Return the comparison with every option of every method written out, and every name checked.

        Raises:
            UserError: If a method, preset, metric, degradation or option is unknown.
        """
        from mesofuse.registry import get_registry

        registry = get_registry()
        for choice in self.metric_choices:
            name, options = (choice, {}) if isinstance(choice, str) else choice
            registry.find("metric", name).options(options)
        registry.find("degradation", str(self.degradation.get("name"))).options(
            {k: v for k, v in self.degradation.items() if k != "name"}
        )
        entries = [
            e.model_copy(update={"method": self.job(e).method}) if e.method is not None else e for e in self.compare
        ]
        return self.model_copy(update={"compare": tuple(entries)})


def takes_scan(job: JobConfig) -> bool:
    """Return whether a job's method takes a scan: ``conditional`` of its class."""
    from mesofuse.registry import get_registry

    return MethodTraits.of(get_registry().find("method", job.method_name).load()).conditional


def make_comparison(data: Mapping[str, Any], source: str) -> ComparisonConfig:
    """Return a checked comparison; see `checked`."""
    return checked(ComparisonConfig, data, source)


def load_comparison(path: Path) -> ComparisonConfig:
    """Read a comparison from a YAML file; its relative paths count from the file's folder.

    Raises:
        UserError: If the file is missing, is not YAML, or is not a comparison.
    """
    data = read_yaml(path, "a comparison's configuration", "low_res, high_res, scale and compare")
    files_beside(data, path, ("low_res", "high_res", "reference"))
    if isinstance(data.get("compare"), list):
        data["compare"] = [_entry_beside(entry, path) for entry in data["compare"]]
    return make_comparison(data, str(path))


def dump_comparison(config: ComparisonConfig, folder: Path | None = None) -> str:
    """Return a comparison as YAML; for a file in ``folder``, from where files near it are named relatively."""
    import yaml

    data = config.model_dump(mode="json")
    if folder is not None:
        data = named_in(data, folder, (*INPUTS, "reference"))
        data["compare"] = [named_in(entry, folder, ("model", "volume")) for entry in data["compare"]]
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _entry_beside(entry: Any, path: Path) -> Any:
    if isinstance(entry, str):  # the short form: a method's name
        return {"method": {"name": entry}}
    if not isinstance(entry, dict):
        return entry
    method = entry.get("method")
    named = {"method": {"name": method}} if isinstance(method, str) else {}
    files = {key: beside(entry[key], path) for key in ("model", "volume") if isinstance(entry.get(key), str)}
    return {**entry, **named, **files}
