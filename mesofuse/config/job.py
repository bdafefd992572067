"""The configuration of a fusion job: what `mesofuse fuse` resolves and writes, and `mesofuse train` reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from mesofuse.errors import UserError, nearest
from mesofuse.interfaces.component import KINDS
from mesofuse.interfaces.options import Options
from mesofuse.registry import get_registry
from mesofuse.registry.component import Component
from mesofuse.registry.explain import explain
from mesofuse.volumes.grid import Scale, parse_scale, parse_unit
from mesofuse.volumes.units import parse_voxel_size

DEFAULT_METHOD = "superres"


class InputsConfig(Options):
    """What is fused with what, and under which budget: what a job and a comparison have in common."""

    low_res: str = Field(description="The blurry volume: a segmented stack, or a zarr volume.")
    high_res: str = Field(description="The sharp segmented image, or a stack of images of the same material.")
    scale: Scale = Field(description="High-resolution voxels along one low-resolution voxel: one number, or z, y, x.")
    shows: dict[str, tuple[str, ...]] | None = Field(
        None, description="Which image phases each low-resolution phase shows; null: the phase of the same number."
    )
    phases: tuple[str, ...] = Field((), description="Names of the image's phases, in order of their label values.")
    voxel_size: Scale | None = Field(None, description="Edge length of a low-resolution voxel; null: the file's.")
    unit: str | None = Field(None, description="Unit of voxel_size; null: micrometer.")
    seed: int = Field(0, ge=0, lt=2**64, description="Makes training and generation repeatable.")
    steps: int | None = Field(None, ge=1, description="Training budget in generator steps; null: no such limit.")
    minutes: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Training budget in minutes; null: no such limit."
    )
    device: str = Field("auto", description="cpu, cuda, cuda:N, or auto.")

    @field_validator("scale", mode="before")
    @classmethod
    def _read_scale(cls, value: Any) -> Any:
        return _as_value_error(parse_scale, str(value) if isinstance(value, bool) else value)

    @field_validator("voxel_size", mode="before")
    @classmethod
    def _read_voxel_size(cls, value: Any) -> Any:
        text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
        return None if value is None else _as_value_error(lambda given: parse_voxel_size(given)[0], text)

    @field_validator("unit", mode="before")
    @classmethod
    def _read_unit(cls, value: Any) -> Any:
        return None if value is None else _as_value_error(parse_unit, str(value))


class JobConfig(InputsConfig):
    """A fusion job."""

    method: dict[str, Any] = Field(
        default_factory=lambda: {"name": DEFAULT_METHOD},
        description="Method: its name, a preset if wanted, and its options.",
    )

    @property
    def method_name(self) -> str:
        """Name of the method."""
        return str(self.method.get("name", DEFAULT_METHOD))

    def resolved(self) -> JobConfig:
        """Return the job with every option of the method written out.

        Raises:
            UserError: An unknown method, preset or option.
        """
        component, options = self.resolve_method()
        method = {"name": component.spec.name, **options.model_dump(mode="json")}
        return self.model_copy(update={"method": method})

    def resolve_method(self) -> tuple[Component, Options]:
        """Return the method's component and its checked options, those of the parts that it names written out.

        Raises:
            UserError: An unknown method, preset or option, of the method or of a part.
        """
        rest = {k: v for k, v in self.method.items() if k not in ("name", "preset")}
        component, options = resolve_method(self.method_name, self.method.get("preset"), rest)
        return component, component.options(_with_parts(options.model_dump(mode="json")))


def resolve_method(name: str, preset: str | None, overrides: Mapping[str, Any]) -> tuple[Component, Options]:
    """Return a method and its options: the defaults, the preset over them, the overrides over both.

    Raises:
        UserError: An unknown method, preset or option.
    """
    component = get_registry().find("method", name)
    model = component.options_model()
    presets = model.presets
    if preset is not None and preset not in presets:
        raise UserError(f"The method {name!r} has no preset {preset!r}.{nearest(preset, presets)}")
    fields = model.model_fields.items()
    defaults = {key: f.get_default(call_default_factory=True) for key, f in fields if not f.is_required()}
    plain = model.model_construct(**defaults).model_dump(mode="json", include=set(defaults))
    return component, component.options(merged(merged(plain, presets[preset] if preset else {}), overrides))


def _with_parts(options: dict[str, Any]) -> dict[str, Any]:
    """Write out the options of the components that a recipe names, in fields called as their kind."""
    kinds: dict[str, str] = {kind: kind for kind in KINDS} | {"losses": "loss"}

    def whole(kind: str, part: Any) -> Any:
        if not isinstance(part, Mapping) or "name" not in part:
            return part
        rest = {k: v for k, v in part.items() if k != "name"}
        return {"name": part["name"], **get_registry().find(kind, part["name"]).options(rest).model_dump(mode="json")}

    found = dict(options)
    for key in kinds.keys() & options.keys():
        value = options[key]
        found[key] = [whole(kinds[key], v) for v in value] if isinstance(value, list) else whole(kinds[key], value)
    return found


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``over`` laid over it, mapping by mapping; another component replaces the whole."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            other = "name" in value and "name" in old and value["name"] != old["name"]
            result[key] = value if other else merged(old, value)
        else:
            result[key] = value
    return result


def make_job(data: Mapping[str, Any], source: str) -> JobConfig:
    """Return a checked job.

    Args:
        data: Its fields.
        source: What to call it in an error, for example the file's name.

    Raises:
        UserError: A field is unknown, missing or has a value that is not allowed.
    """
    from pydantic import ValidationError

    try:
        return JobConfig.model_validate(data)
    except ValidationError as error:
        raise UserError(explain(error, source, JobConfig)) from error


def load_job(path: Path) -> JobConfig:
    """Read a job from a YAML file; its relative paths count from the file's folder.

    Raises:
        UserError: The file is missing, is not YAML, or is not a job.
    """
    data = read_yaml(path, "a job's configuration", "low_res, high_res and scale")
    for key in ("low_res", "high_res"):
        if isinstance(data.get(key), str):
            data[key] = beside(data[key], path)
    return make_job(data, str(path))


def read_yaml(path: Path, what: str, needs: str) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Args:
        path: The file.
        what: What it is to be, for messages.
        needs: The fields that it can't do without, for messages.

    Raises:
        UserError: The file is missing, is not YAML, or is no mapping.
    """
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"There is no configuration file {path}; `mesofuse fuse` writes one.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} can't be read as YAML: {str(error).splitlines()[0]}.") from error
    if not isinstance(data, dict):
        raise UserError(f"{path} is not {what}: it must be a YAML mapping with {needs}.")
    return data


def beside(text: str, file: Path) -> str:
    """Return a path that a file names, relative to that file's folder; URLs stay."""
    return text if "://" in text else str((file.parent / text).resolve())


def dump_job(job: JobConfig) -> str:
    """Return a job as YAML."""
    import yaml

    return yaml.safe_dump(job.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _as_value_error(parse: Any, value: Any) -> Any:
    """Let pydantic report a parser's sentence."""
    try:
        return parse(value)
    except UserError as error:
        raise ValueError(str(error)) from error
