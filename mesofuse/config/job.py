"""The configuration of a fusion job: what `mesofuse fuse` resolves and writes, and `mesofuse train` reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from mesofuse.config.files import checked, files_beside, read_yaml
from mesofuse.config.inputs import InputsConfig, as_value_error
from mesofuse.config.method import DEFAULT_METHOD, resolve_method, with_parts
from mesofuse.config.places import named_in
from mesofuse.interfaces.options import Options
from mesofuse.interfaces.problem import Content
from mesofuse.registry.component import Component
from mesofuse.volumes.grid import Triple, parse_axes, parse_size


class JobConfig(InputsConfig):
    """A fusion job."""

    size: Triple | None = Field(
        None, description="Voxels of the result along z, y, x, for a method that takes no scan."
    )
    periodic: str = Field("", description="Axes along which the result continues from its end to its start: z, y, x.")
    content: Content = Field(
        "phases",
        description="What the image's values are: phases, or grey values or colours for a method that takes them.",
    )
    start: str | None = Field(
        None, description="Model package of a similar material that the training begins with; null: it begins anew."
    )
    method: dict[str, Any] = Field(
        default_factory=lambda: {"name": DEFAULT_METHOD},
        description="Method: its name, a preset if wanted, and its options.",
    )

    @field_validator("size", mode="before")
    @classmethod
    def _read_size(cls, value: Any) -> Any:
        return None if value is None else as_value_error(parse_size, value)

    @field_validator("periodic", mode="before")
    @classmethod
    def _read_periodic(cls, value: Any) -> Any:
        return as_value_error(parse_axes, value)

    @model_validator(mode="after")
    def _phases_are_not_intensities(self) -> Self:
        if self.content != "phases" and (self.low_res is not None or self.phases):
            raise ValueError(f"an image of {self.content} values has no phases: leave out low_res, shows and phases")
        return self

    @property
    def method_name(self) -> str:
        """Name of the method."""
        return str(self.method.get("name", DEFAULT_METHOD))

    def resolved(self) -> JobConfig:
        """Return the job with every option of the method written out.

        Raises:
            UserError: If a method, preset or option is unknown.
        """
        component, options = self.resolve_method()
        method = {"name": component.spec.name, **options.model_dump(mode="json")}
        return self.model_copy(update={"method": method})

    def resolve_method(self) -> tuple[Component, Options]:
        """Return the method's component and its checked options, those of the parts that it names written out.

        Raises:
            UserError: If a method, preset or option is unknown, of the method or of a part.
        """
        rest = {k: v for k, v in self.method.items() if k not in ("name", "preset")}
        component, options = resolve_method(self.method_name, self.method.get("preset"), rest, self.content)
        return component, component.options(with_parts(options.model_dump(mode="json"), self.content))


def make_job(data: Mapping[str, Any], source: str) -> JobConfig:
    """Return a checked job; see `checked`."""
    return checked(JobConfig, data, source)


def load_job(path: Path) -> JobConfig:
    """Read a job from a YAML file; its relative paths count from the file's folder.

    Raises:
        UserError: If the file is missing, is not YAML, or is not a job.
    """
    data = read_yaml(path, "a job's configuration", "low_res, high_res and scale")
    files_beside(data, path, ("low_res", "high_res", "start"))
    return make_job(data, str(path))


def dump_job(job: JobConfig, folder: Path | None = None) -> str:
    """Return a job as YAML; for a file in ``folder``, from where files near it are named relatively."""
    import yaml

    data = job.model_dump(mode="json")
    return yaml.safe_dump(data if folder is None else named_in(data, folder), sort_keys=False, allow_unicode=True)
