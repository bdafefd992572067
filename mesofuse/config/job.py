"""The configuration of a fusion job: what `mesofuse fuse` resolves and writes, and `mesofuse train` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from mesofuse.errors import UserError, first_line, nearest
from mesofuse.interfaces.component import KINDS
from mesofuse.interfaces.options import Options
from mesofuse.interfaces.problem import Content
from mesofuse.registry import get_registry
from mesofuse.registry.component import Component
from mesofuse.registry.explain import explain
from mesofuse.volumes.grid import AXES, Scale, Triple, parse_axes, parse_scale, parse_size, parse_unit
from mesofuse.volumes.mask import Ignore
from mesofuse.volumes.units import parse_pixel_size, parse_voxel_size

DEFAULT_METHOD = "superres"
_Config = TypeVar("_Config", bound=Options)


class InputsConfig(Options):
    """What is fused with what, and under which budget: what a job and a comparison have in common."""

    low_res: str | None = Field(
        None, description="The blurry volume: a segmented stack, or a zarr volume; null for a method that takes none."
    )
    high_res: str | dict[str, str] = Field(
        description="The sharp segmented image, or a stack of images of the same material; for anisotropic material a "
        'mapping from the axes that images are normal to, such as {"zy": "rods.tif", "x": "speckles.tif"}.'
    )
    scale: Scale | None = Field(
        None,
        description="High-resolution voxels along one low-resolution voxel: one number, or z, y, x; null: what the "
        "files' voxel sizes give, and without a low-resolution volume.",
    )
    shows: dict[str, tuple[str, ...]] | None = Field(
        None, description="Which image phases each low-resolution phase shows; null: the phase of the same number."
    )
    phases: tuple[str, ...] = Field((), description="Names of the image's phases, in order of their label values.")
    voxel_size: Scale | None = Field(None, description="Edge length of a low-resolution voxel; null: the file's.")
    image_pixel_size: tuple[float, float] | None = Field(
        None, description="Height and width of a pixel of the images; null: the file's."
    )
    unit: str | None = Field(None, description="Unit of voxel_size and image_pixel_size; null: micrometer.")
    ignore: tuple[str, ...] = Field(
        (),
        description="Values that are no material, in whichever of the inputs they occur: a number as the file has it, "
        "a colour such as #ff0000, nan, or surround:0 for what of a value lies around all else.",
    )
    low_res_ignore: tuple[str, ...] = Field((), description="Values of the low-resolution volume that are no material.")
    high_res_ignore: tuple[str, ...] = Field((), description="Values of the images that are no material.")
    low_res_crop: str | None = Field(
        None, description="Part of the low-resolution volume to take, as z0:z1,y0:y1,x0:x1 in its voxels; null: all."
    )
    high_res_crop: str | None = Field(
        None, description="Part of each image to take, as i0:i1,y0:y1,x0:x1 (images, rows, columns); null: all."
    )
    seed: int = Field(0, ge=0, lt=2**64, description="Makes training and generation repeatable.")
    steps: int | None = Field(None, ge=1, description="Training budget in generator steps; null: no such limit.")
    minutes: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Training budget in minutes; null: no such limit."
    )
    device: str = Field("auto", description="cpu, cuda, cuda:N, or auto.")

    @field_validator("high_res")
    @classmethod
    def _read_images(cls, value: str | dict[str, str]) -> str | dict[str, str]:
        return value if isinstance(value, str) else _as_value_error(check_axes, value)

    @field_validator("shows", mode="before")
    @classmethod
    def _read_shows(cls, value: Any) -> Any:
        # YAML reads an unquoted 0 as a number.
        return {str(phase): shown for phase, shown in value.items()} if isinstance(value, dict) else value

    @field_validator("scale", mode="before")
    @classmethod
    def _read_scale(cls, value: Any) -> Any:
        if value is None:
            return None
        return _as_value_error(parse_scale, str(value) if isinstance(value, bool) else value)

    @field_validator("voxel_size", mode="before")
    @classmethod
    def _read_voxel_size(cls, value: Any) -> Any:
        text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
        return None if value is None else _as_value_error(lambda given: parse_voxel_size(given)[0], text)

    @field_validator("image_pixel_size", mode="before")
    @classmethod
    def _read_pixel_size(cls, value: Any) -> Any:
        text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
        return None if value is None else _as_value_error(parse_pixel_size, text)

    @field_validator("ignore", "low_res_ignore", "high_res_ignore", mode="before")
    @classmethod
    def _read_ignored(cls, value: Any) -> Any:
        given = [value] if isinstance(value, (str, int, float)) else value
        return tuple(str(_as_value_error(Ignore.parse, str(text))) for text in given)

    @field_validator("unit", mode="before")
    @classmethod
    def _read_unit(cls, value: Any) -> Any:
        return None if value is None else _as_value_error(parse_unit, str(value))

    @model_validator(mode="after")
    def _scale_goes_with_scan(self) -> Self:
        if self.low_res is None and (self.scale is not None or self.shows is not None):
            raise ValueError("scale and shows describe a low-resolution volume, but low_res is missing")
        if self.low_res is None and (self.low_res_ignore or self.low_res_crop is not None):
            raise ValueError("low_res_ignore and low_res_crop are for a low-resolution volume, but low_res is missing")
        if self.low_res is None and self.voxel_size is not None and self.image_pixel_size is not None:
            raise ValueError(
                "without a low-resolution volume the result has the image's pixels: give image_pixel_size alone, not "
                "voxel_size too"
            )
        return self

    @property
    def images(self) -> dict[str, str]:
        """The images' files by the axes that they are normal to; one for all is ``{"zyx": file}``."""
        return {AXES_OF_ALL: self.high_res} if isinstance(self.high_res, str) else dict(self.high_res)


AXES_OF_ALL = "".join(AXES)


def check_axes(images: Mapping[str, str]) -> dict[str, str]:
    """Return images by axes with the axes in order, each axis once.

    Raises:
        UserError: If an axis is unknown, missing or given twice.
    """
    letters = "".join(images)
    if sorted(letters) != sorted(AXES_OF_ALL):
        given = ", ".join(images) or "none"
        raise UserError(
            f"The images are for the axes {given}, but each of z, y and x needs exactly one image of planes normal to "
            "it: for example zy=rods.tif and x=speckles.tif, or one image for all."
        )
    found = {"".join(sorted(axes, key=AXES_OF_ALL.index)): path for axes, path in images.items()}
    return dict(sorted(found.items(), key=lambda item: AXES_OF_ALL.index(item[0][0])))


class JobConfig(InputsConfig):
    """A fusion job."""

    size: Triple | None = Field(
        None, description="Voxels of the result along z, y, x, for a method that takes no low-resolution volume."
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
        return None if value is None else _as_value_error(parse_size, value)

    @field_validator("periodic", mode="before")
    @classmethod
    def _read_periodic(cls, value: Any) -> Any:
        return _as_value_error(parse_axes, value)

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
        return component, component.options(_with_parts(options.model_dump(mode="json"), self.content))


def resolve_method(
    name: str, preset: str | None, overrides: Mapping[str, Any], content: Content = "phases"
) -> tuple[Component, Options]:
    """Return a method and its options: the defaults, the preset over them, the overrides over both.

    Without a preset it is the method's own default one, unless the overrides are a whole recipe. What the method, or
    the preset itself, needs for grey values or colours lies between preset and overrides.

    Raises:
        UserError: If a method, preset or option is unknown, or the method does not take the content.
    """
    component = _taking(content, get_registry().find("method", name))
    model = component.options_model()
    presets = model.presets
    if preset is None and not (model.recipe and model.recipe <= overrides.keys()):
        preset = model.default_preset
    if preset is not None and preset not in presets:
        raise UserError(f"The method {name!r} has no preset {preset!r}.{nearest(preset, presets)}")
    fields = model.model_fields.items()
    defaults = {key: f.get_default(call_default_factory=True) for key, f in fields if not f.is_required()}
    plain = model.model_construct(**defaults).model_dump(mode="json", include=set(defaults))
    start, own = model.starting_point(preset, content)
    chosen = merged(merged(plain, start), own)
    return component, component.options(merged(chosen, overrides))


def _taking(content: Content, component: Component) -> Component:
    """Return a component if it takes such voxels.

    Raises:
        UserError: If it does not.
    """
    if content not in component.options_model().contents:
        kind = component.spec.kind
        able = [c.spec.name for c in get_registry().components(kind) if content in c.options_model().contents]
        own = " or ".join(sorted(component.options_model().contents, reverse=True))
        wanted = "phases" if content == "phases" else f"{content} values (--content {content})"
        raise UserError(
            f"The {component} works on {own}, not on {wanted}: choose another {kind} "
            f"({', '.join(able) or 'there is none'}), or images of that kind."
        )
    return component


def _with_parts(options: dict[str, Any], content: Content) -> dict[str, Any]:
    """Write out the options of the components that a recipe names, in fields called as their kind."""
    kinds: dict[str, str] = {kind: kind for kind in KINDS} | {"losses": "loss"}

    def whole(kind: str, part: Any) -> Any:
        if not isinstance(part, Mapping) or "name" not in part:
            return part
        rest = {k: v for k, v in part.items() if k != "name"}
        component = _taking(content, get_registry().find(kind, part["name"]))
        return {"name": part["name"], **component.options(rest).model_dump(mode="json")}

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


def checked(model: type[_Config], data: Mapping[str, Any], source: str) -> _Config:
    """Return a checked configuration.

    Args:
        model: What it is to be.
        data: Its fields.
        source: What to call it in an error, for example the file's name.

    Raises:
        UserError: If a field is unknown, missing or has a value that is not allowed.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise UserError(explain(error, source, model)) from error


def make_job(data: Mapping[str, Any], source: str) -> JobConfig:
    """Return a checked job; see `checked`."""
    return checked(JobConfig, data, source)


def files_beside(data: dict[str, Any], path: Path, keys: Sequence[str]) -> None:
    """Let the paths in some fields of a file count from that file's folder."""
    for key in keys:
        if isinstance(data.get(key), str):
            data[key] = beside(data[key], path)
        elif isinstance(data.get(key), dict):
            data[key] = {k: beside(v, path) if isinstance(v, str) else v for k, v in data[key].items()}


def load_job(path: Path) -> JobConfig:
    """Read a job from a YAML file; its relative paths count from the file's folder.

    Raises:
        UserError: If the file is missing, is not YAML, or is not a job.
    """
    data = read_yaml(path, "a job's configuration", "low_res, high_res and scale")
    files_beside(data, path, ("low_res", "high_res", "start"))
    return make_job(data, str(path))


def read_yaml(path: Path, what: str, needs: str) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Args:
        path: The file.
        what: What it is to be, for messages.
        needs: The fields that it can't do without, for messages.

    Raises:
        UserError: If the file is missing, is not YAML, is more than a person writes, or is no mapping of words.
    """
    import yaml

    from mesofuse.config.yaml_text import LONGEST, load_yaml

    try:
        with open(path, encoding="utf-8") as file:
            data = load_yaml(file.read(LONGEST + 1))
    except FileNotFoundError:
        raise UserError(f"There is no configuration file {path}; `mesofuse fuse` writes one.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} can't be read as YAML: {_yaml_words(error)}.") from error
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise UserError(f"{path} is not {what}: it must be a YAML mapping with {needs}.")
    return data


def _yaml_words(error: Exception) -> str:
    """Return what is wrong with a YAML text in one line, and where."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or first_line(error)
    return str(problem) if mark is None else f"{problem} in line {mark.line + 1}"


def beside(text: str, file: Path) -> str:
    """Return a path that a file names, relative to that file's folder; URLs stay."""
    return text if "://" in text else str((file.parent / text).resolve())


def dump_job(job: JobConfig, folder: Path | None = None) -> str:
    """Return a job as YAML; for a file in ``folder``, from where files near it are named relatively."""
    import yaml

    from mesofuse.config.places import named_in

    data = job.model_dump(mode="json")
    return yaml.safe_dump(data if folder is None else named_in(data, folder), sort_keys=False, allow_unicode=True)


def _as_value_error(parse: Any, value: Any) -> Any:
    """Let pydantic report a parser's sentence."""
    try:
        return parse(value)
    except UserError as error:
        raise ValueError(str(error)) from error
