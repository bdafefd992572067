"""A scan and an image of the same material: what a method is fitted to."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mesofuse.api.volume import Given, Images, VolumeLike, opened
from mesofuse.api.words import in_python, note
from mesofuse.config.job import JobConfig, make_job
from mesofuse.config.places import absolute
from mesofuse.errors import UserError
from mesofuse.pipeline.inputs import JobInputs, open_inputs
from mesofuse.volumes.described import Described
from mesofuse.volumes.grid import AXES
from mesofuse.volumes.units import convert

if TYPE_CHECKING:
    from mesofuse.preflight.check import Check
    from mesofuse.preflight.run import Preflight

Shows = Mapping[int | str, str | Sequence[str]]
"""Which image phases each scan phase shows, by label or name: ``{0: ["pore", "binder"], 1: ["active"]}``."""
MARKS = {"ok": "✓", "warning": "!", "unknown": "?"}


class Pair:
    """A scan and the sharp image, or images, that it is fused with; nothing is trained yet.

    Args:
        scan: The blurry volume; None for methods that make a volume from the image alone.
        image: The sharp image or stack of images; of anisotropic material a mapping from the axes that images are
            normal to, such as ``{"zy": rods, "x": speckles}``.
        scale: Image pixels along one scan voxel, a number or one along z, y and x; None: what the voxel sizes say.
        shows: Which image phases each scan phase shows; None: the phase of the same number.

    Attributes:
        scan: The open scan, its phases named after what they show; or None.
        images: The open images by the axes that they are normal to.
        described: The fields of a job that say what the inputs are.

    Raises:
        UserError: If the two don't fit each other.
    """

    @in_python
    def __init__(
        self,
        scan: VolumeLike | None,
        image: VolumeLike | Images,
        *,
        scale: float | Sequence[float] | None = None,
        shows: Shows | None = None,
    ) -> None:
        self.scan = None if scan is None else opened(scan)
        several = image if isinstance(image, Mapping) else {"zyx": image}
        self.images = {axes: opened(one, stack=True) for axes, one in several.items()}
        self.scale, self.shows = _plain(scale), shows
        self.described = self._described()
        inputs, problem = self.inputs, self.inputs.problem  # opened here, so that what does not fit is refused here
        if self.scan is not None and inputs.low_res is not None:
            low = Described.of(inputs.low_res, phases=problem.low_phases or inputs.low_res.phases)
            self.scan = replace(self.scan, labels=low, title="scan")
        found = {axes: inputs.images[AXES.index(axes[0])] for axes in self.images}
        self.images = {axes: replace(image, labels=found[axes]) for axes, image in self.images.items()}

    @cached_property
    def inputs(self) -> JobInputs:
        """Scan and images as a job opens them."""
        inputs = open_inputs(make_job(self.described, "the pair"))
        for text in inputs.notes:
            note(text)
        return inputs

    def job(self, **fields: Any) -> JobConfig:
        """Return the job of this pair with the method, budget and seed given, resolved."""
        job = make_job({**self.described, **fields}, "the call").resolved()
        return job if self.scan is None else job.model_copy(update={"scale": self.inputs.problem.scale})

    @in_python
    def preflight(self) -> Checks:
        """Check that scan and image fit each other, and that the image shows enough; what training can't mend.

        A print of the result has a line a check.
        """
        from mesofuse.preflight.run import preflight

        return Checks(preflight(self.inputs.fusion))

    def __repr__(self) -> str:
        """Return what is fused with what, in a line."""
        images = ", ".join(repr(image) for image in self.images.values())
        if self.scan is None:
            return f"<pair of no scan and {images}>"
        scale = " × ".join(f"{s:g}" for s in dict.fromkeys(self.inputs.problem.scale))
        return f"<pair of {self.scan!r} and {images}, scale factor {scale}>"

    def _repr_html_(self) -> str:
        """Return scan and images, for a notebook."""
        shown = ([] if self.scan is None else [("scan", self.scan)]) + [
            ("image" if len(self.images) == 1 else f"image normal to {', '.join(axes)}", image)
            for axes, image in self.images.items()
        ]
        return "".join(f"<div><b>{html.escape(name)}</b>{one._repr_html_()}</div>" for name, one in shown)

    def _described(self) -> dict[str, Any]:
        """Return the fields of a job that say what the inputs are."""
        paths = {axes: absolute(image.path) for axes, image in self.images.items()}
        said = [image.given for image in self.images.values()]
        if len({(g.phases, g.voxel_size, g.unit, g.ignore, g.crop) for g in said}) > 1:
            raise UserError(
                "The images of the pair were opened in different ways; give them all the same phases, pixel_size, "
                "unit, ignore and crop."
            )
        own = said[0]
        fields: dict[str, Any] = {
            "high_res": paths["zyx"] if list(paths) == ["zyx"] else paths,
            "phases": own.phases, "high_res_ignore": own.ignore, "high_res_crop": own.crop,
        }  # fmt: skip
        if self.scan is None:
            if self.scale is not None or self.shows is not None:
                raise UserError("scale and shows describe a scan, but there is none; leave them out.")
            size = None if own.voxel_size is None else own.voxel_size[1:]
            return fields | {"image_pixel_size": size, "unit": own.unit}
        scan = self.scan.given
        fields |= {
            "low_res": absolute(self.scan.path), "scale": self.scale, "shows": _rules(self.shows),
            "low_res_ignore": scan.ignore, "low_res_crop": scan.crop,
        }  # fmt: skip
        return fields | _sizes(scan, own)


class Checks:
    """The outcome of `Pair.preflight`; it prints as a line a check.

    Args:
        found: What was checked.

    Attributes:
        warnings: The sentences of the checks that warn.
    """

    def __init__(self, found: Preflight) -> None:
        self.checks: tuple[Check, ...] = found.checks
        self.warnings = [check.sentence for check in found.warnings]

    def __str__(self) -> str:
        """Return a line a check."""
        width = max(len(check.name) for check in self.checks)
        return "\n".join(f"{MARKS[c.status]} {c.name:<{width}}  {c.sentence}" for c in self.checks)

    def __repr__(self) -> str:
        """Return how many checks warn."""
        return f"<{len(self.checks)} checks, {len(self.warnings)} warnings>"

    def _repr_html_(self) -> str:
        """Return a row a check, for a notebook."""
        rows = "".join(
            f"<tr><td>{MARKS[c.status]}</td><td>{html.escape(c.name)}</td>"
            f'<td style="text-align:left">{html.escape(c.sentence)}</td></tr>'
            for c in self.checks
        )
        return f"<table>{rows}</table>"


def _sizes(scan: Given, image: Given) -> dict[str, Any]:
    """Return the fields for the sizes of scan and image, in one unit."""
    if scan.voxel_size is None and scan.unit is not None:
        raise UserError(f"The scan's unit {scan.unit} was given without its voxel_size; give both.")
    unit = scan.unit or image.unit
    pixel = image.voxel_size
    if pixel is not None and scan.voxel_size is not None:
        unit = scan.unit or "micrometer"
        factor = convert(1.0, image.unit or "micrometer", unit)
        pixel = (pixel[0] * factor, pixel[1] * factor, pixel[2] * factor)
    return {
        "voxel_size": scan.voxel_size, "image_pixel_size": None if pixel is None else pixel[1:],
        "unit": unit if scan.voxel_size is not None or pixel is not None else None,
    }  # fmt: skip


def _rules(shows: Shows | None) -> dict[str, tuple[str, ...]] | None:
    if shows is None:
        return None
    if not isinstance(shows, Mapping):
        raise UserError(
            f"shows is {shows!r}; give a mapping from scan phases to image phases, such as "
            '{0: ["pore", "binder"], 1: ["active"]}.'
        )
    found = {}
    for phase, shown in shows.items():
        several = not isinstance(shown, str) and hasattr(shown, "__iter__")
        found[str(phase)] = tuple(map(str, shown)) if several else (str(shown),)
    return found


def _plain(scale: Any) -> Any:
    """Return a scale factor without numpy's types."""
    return scale.tolist() if hasattr(scale, "tolist") else scale
