"""What a job and a comparison have in common: inputs, budget, and files that lie elsewhere by now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from mesofuse.config.files import checked
from mesofuse.errors import UserError
from mesofuse.interfaces.options import Options
from mesofuse.volumes.grid import AXES, Scale, parse_scale, parse_unit
from mesofuse.volumes.mask import Ignore
from mesofuse.volumes.units import parse_pixel_size, parse_voxel_size

_Inputs = TypeVar("_Inputs", bound="InputsConfig")
AXES_OF_ALL = "".join(AXES)


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
        description="Voxels of the result along one voxel of the scan: one number, or z, y, x; null: what the "
        "files' voxel sizes give, and without a scan.",
    )
    shows: dict[str, tuple[str, ...]] | None = Field(
        None, description="Which image phases each scan phase shows; null: the phase of the same number."
    )
    phases: tuple[str, ...] = Field((), description="Names of the image's phases, in order of their label values.")
    voxel_size: Scale | None = Field(None, description="Edge length of a scan voxel; null: the file's.")
    image_pixel_size: tuple[float, float] | None = Field(
        None, description="Height and width of a pixel of the images; null: the file's."
    )
    unit: str | None = Field(None, description="Unit of voxel_size and image_pixel_size; null: micrometer.")
    ignore: tuple[str, ...] = Field(
        (),
        description="Values that are no material, in whichever of the inputs they occur: a number as the file has it, "
        "a colour such as #ff0000, nan, or surround:0 for what of a value lies around all else.",
    )
    low_res_ignore: tuple[str, ...] = Field((), description="Values of the scan that are no material.")
    high_res_ignore: tuple[str, ...] = Field((), description="Values of the images that are no material.")
    low_res_crop: str | None = Field(
        None, description="Part of the scan to take, as z0:z1,y0:y1,x0:x1 in its voxels; null: all."
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
        return value if isinstance(value, str) else as_value_error(check_axes, value)

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
        return as_value_error(parse_scale, str(value) if isinstance(value, bool) else value)

    @field_validator("voxel_size", mode="before")
    @classmethod
    def _read_voxel_size(cls, value: Any) -> Any:
        text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
        return None if value is None else as_value_error(lambda given: parse_voxel_size(given)[0], text)

    @field_validator("image_pixel_size", mode="before")
    @classmethod
    def _read_pixel_size(cls, value: Any) -> Any:
        text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
        return None if value is None else as_value_error(parse_pixel_size, text)

    @field_validator("ignore", "low_res_ignore", "high_res_ignore", mode="before")
    @classmethod
    def _read_ignored(cls, value: Any) -> Any:
        given = [value] if isinstance(value, (str, int, float)) else value
        return tuple(str(as_value_error(Ignore.parse, str(text))) for text in given)

    @field_validator("unit", mode="before")
    @classmethod
    def _read_unit(cls, value: Any) -> Any:
        return None if value is None else as_value_error(parse_unit, str(value))

    @model_validator(mode="after")
    def _scale_goes_with_scan(self) -> Self:
        if self.low_res is None and (self.scale is not None or self.shows is not None):
            raise ValueError("scale and shows describe a scan, but low_res is missing")
        if self.low_res is None and (self.low_res_ignore or self.low_res_crop is not None):
            raise ValueError("low_res_ignore and low_res_crop are for a scan, but low_res is missing")
        if self.low_res is None and self.voxel_size is not None and self.image_pixel_size is not None:
            raise ValueError(
                "without a scan the result has the image's pixels: give image_pixel_size alone, not voxel_size too"
            )
        return self

    @property
    def images(self) -> dict[str, str]:
        """The images' files by the axes that they are normal to; one for all is ``{"zyx": file}``."""
        return {AXES_OF_ALL: self.high_res} if isinstance(self.high_res, str) else dict(self.high_res)


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


def as_value_error(parse: Any, value: Any) -> Any:
    """Let pydantic report a parser's sentence."""
    try:
        return parse(value)
    except UserError as error:
        raise ValueError(str(error)) from error


def with_inputs(config: _Inputs, low_res: str | None, high_res: str | dict[str, str] | None) -> _Inputs:
    """Return a configuration with other files for its inputs, where they are given.

    Raises:
        UserError: If they don't suit the rest, for example a scan for a job that has none.
    """
    given = {key: value for key, value in (("low_res", low_res), ("high_res", high_res)) if value is not None}
    return checked(type(config), config.model_dump() | given, "the command line") if given else config


def check_inputs_there(config: InputsConfig, file: Path) -> None:
    """Refuse a configuration whose input files are not where it says, for example because its folder was moved.

    Args:
        config: The configuration.
        file: Where it was read from.

    Raises:
        UserError: If a file is missing; the sentence says which, and how to give it.
    """
    named = [("--low-res FILE", config.low_res)]
    for axes, path in config.images.items():
        named.append((f"--high-res {'' if isinstance(config.high_res, str) else f'{axes}='}FILE", path))
    gone = [(option, path) for option, path in named if path and "://" not in path and not os.path.exists(path)]
    if gone:
        listing = " and ".join(path for _, path in gone)
        options = " and ".join(option for option, _ in gone)
        verb, there = ("does", "it is") if len(gone) == 1 else ("do", "they are")
        raise UserError(f"{listing}, which {file} names, {verb} not exist: say where {there} with {options}.")
