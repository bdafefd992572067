"""Trust checks of a job's inputs before anything is trained: do they fit each other, and do they say enough?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mesofuse.interfaces.method import FusionInputs
from mesofuse.preflight.agreement import check_fractions, check_scale, check_sizes
from mesofuse.preflight.anisotropy import axis_lengths
from mesofuse.preflight.autocovariance import image_pieces, volume_pieces
from mesofuse.preflight.check import Check, Sample, phase_groups
from mesofuse.preflight.own_patterns import check_patterns
from mesofuse.preflight.representativity import fraction_error
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.surround import Surround, find_surround

LARGEST_ERROR = 0.1
"""An image that gives a phase's fraction less surely than ± this share of it is called too small."""
LARGEST_RATIO, SIGMAS = 1.3, 3.0
"""Correlation lengths along two axes that differ by this factor, surely, are called anisotropic."""


@dataclass(frozen=True)
class Preflight:
    """The outcome of all checks."""

    checks: tuple[Check, ...]

    @property
    def warnings(self) -> tuple[Check, ...]:
        """The checks that warn."""
        return tuple(check for check in self.checks if check.status == "warning")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a number that is not known is null."""
        return {"checks": [check.to_json() for check in self.checks]}


def preflight(inputs: FusionInputs) -> Preflight:
    """Check a job's inputs; odd data give a check that says it can't tell, never an exception.

    A large volume is judged by 8 blocks of 128³ voxels spread over it, large images by 4 million pixels, many phases by
    the 8 largest, so that time and memory stay bounded. Images of a stack are taken as independent of each other.

    Args:
        inputs: What a method would be fitted to; the recipe is isotropic where the three images are the same object.
    """
    problem = inputs.problem
    known: dict[int, list[np.ndarray]] = {}
    pieces = [known.setdefault(id(image), image_pieces(image)) for image in inputs.images]
    image = Sample("image", (pieces[0], pieces[1], pieces[2]), problem.phases)
    checks = []
    padded = [
        (name, labels, around)
        for name, labels in (("scan", inputs.low_res), *(("image", i) for i in inputs.groups.values()))
        if labels is not None and (around := find_surround(labels)) is not None
    ]
    if inputs.low_res is not None and problem.low_phases:
        blocks = volume_pieces(inputs.low_res)
        scan = Sample("scan", (blocks,) * 3, problem.low_phases)
        fractions = check_fractions(scan, image, problem.match)
        checks += [_unless_padded(fractions, padded)]
        checks += [check_sizes(check_scale(scan, image, problem), inputs)]
        checks += [_check_size(image), _check_isotropy([scan, image], image.isotropic, problem.scale)]
    else:
        checks += [_check_size(image), _check_isotropy([image], image.isotropic, problem.scale)]
    return Preflight((*_check_padding(padded), *checks, check_patterns(inputs)))


def _check_padding(padded: Sequence[tuple[str, Labels, Surround]]) -> list[Check]:
    """Warn of a constant surround that would count as material."""
    if not padded:
        return []
    texts, numbers = [], {}
    for name, labels, around in padded:
        option = f"--ignore {'low-res' if name == 'scan' else 'high-res'}=surround:…"
        phase = labels.phases[around.label].name
        texts.append(
            f"{phase} lies around all else in the {name} ({100 * around.share:.1f} % of its voxels, {around.shape}) "
            f"and counts as material; if it is padding, leave it out with {option} and its value in the file"
        )
        numbers[name] = {"phase": phase, "share": around.share, "shape": around.shape}
    sentence = "; ".join(texts)
    return [Check("padding", "warning", f"{sentence[:1].upper()}{sentence[1:]}.", numbers)]


def _unless_padded(check: Check, padded: Sequence[tuple[str, Labels, Surround]]) -> Check:
    """Return a check of the fractions; next to padding, they can't be said to agree."""
    if not padded or check.status != "ok":
        return check
    sentence = f"Padding counts as material, so that the fractions can't be said to agree. {check.sentence}"
    return replace(check, status="unknown", sentence=sentence)


def _check_size(image: Sample) -> Check:
    """Check that the image shows enough of each phase for its fraction to be sure."""
    found = {image.phases[v].name: fraction_error(image.all, [v]) for (v,) in phase_groups(image)}
    numbers = {name: f.to_json() for name, f in found.items()}
    unsure = [name for name, f in found.items() if not f.certain]
    errors = {name: f.relative for name, f in found.items() if f.certain}
    listing = ", ".join(f"{name} {found[name]}" for name in found)
    worst = max(errors, key=lambda name: errors[name], default="")
    if worst and errors[worst] > LARGEST_ERROR:
        return Check(
            "image-size", "warning",
            f"The image is small for what it shows: it gives the fraction of {worst} as {found[worst]} (95 %), "
            f"{_shortfall(errors[worst])}.",
            numbers,
        )  # fmt: skip
    if unsure or not found:
        what = f" for {unsure[0]}" if unsure else ""
        return Check(
            "image-size", "unknown", f"There is not enough data to tell{what} how representative the image is.", numbers
        )
    return Check("image-size", "ok", f"The image gives the phase fractions as {listing} (95 %).", numbers)


def _shortfall(error: float) -> str:
    """Say how far an error is above the largest allowed, and what would mend it."""
    limit = f"± {100 * LARGEST_ERROR:.0f} %"
    size = f"± {100 * error:.0f} %"
    more = (error / LARGEST_ERROR) ** 2
    area = f"about {more:.1f} times the area" if more >= 1.05 else "a few per cent more area"
    return f"{'just over ' if size == limit else ''}{size} of itself; {area} would bring that to {limit}"


def _check_isotropy(samples: list[Sample], isotropic: bool, scale: tuple[float, float, float]) -> Check:
    """Check that an isotropic recipe is used for isotropic material alone."""
    numbers: dict[str, Any] = {}
    ratios: list[tuple[float, float, str]] = []
    for sample in samples:
        spacing = scale if sample.name == "scan" else (1.0, 1.0)
        for normal in range(1 if sample.isotropic else 3):
            axes = (
                "zyx" if sample.name == "scan" else "xy"[::-1] if sample.isotropic else "zyx".replace("zyx"[normal], "")
            )
            for (value,) in phase_groups(sample):
                found = axis_lengths(sample.pieces[normal], [value], spacing)
                if found is None:
                    continue
                name = f"{sample.phases[value].name} in the {sample.name}"
                name += "" if sample.isotropic else f" normal to {'zyx'[normal]}"
                lengths = dict(zip(axes, found.lengths, strict=True))
                numbers[name] = {"lengths": lengths, "ratio": found.ratio, "sigmas": found.sigmas}
                long, short = max(lengths, key=lengths.__getitem__), min(lengths, key=lengths.__getitem__)
                text = f"{name} is {found.ratio:.2f} times as long along {long} as along {short}"
                ratios.append((found.ratio if found.sigmas > SIGMAS else 1.0, found.ratio, text))
    if not ratios:
        return Check(
            "isotropy", "unknown", "There is not enough data to tell whether the material is isotropic.", numbers
        )
    sure, _, text = max(ratios)
    if not isotropic:
        return Check("isotropy", "ok", f"The recipe has an image for each direction; {text}.", numbers)
    if sure > LARGEST_RATIO:
        return Check(
            "isotropy", "warning",
            f"The material is anisotropic, but one image stands for all directions: {text} (correlation lengths); "
            "give an image for each direction.",
            numbers,
        )  # fmt: skip
    return Check("isotropy", "ok", f"No anisotropy stands out: at most, {text}.", numbers)
