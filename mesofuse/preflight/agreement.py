"""Whether a scan and an image show the same material at the stated scale factor."""

from __future__ import annotations

import math

from mesofuse.interfaces.method import FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.preflight.autocovariance import fraction
from mesofuse.preflight.best_scale import best_scale
from mesofuse.preflight.check import Check, Sample, phase_groups
from mesofuse.preflight.representativity import Fraction, fraction_error
from mesofuse.volumes.grid import Scale
from mesofuse.volumes.phases import PhaseMatch
from mesofuse.volumes.scale import contradicting, disagreement, fine_sizes, quotient

FRACTION_TOLERANCE = 0.2
"""Blur and segmentation shift a fraction φ of a scan; up to this times φ(1−φ), 5 points at one half, is let pass."""
SCALE_TOLERANCE = 1.2
"""A stated factor this far outside the interval of those that fit is called wrong."""
UNSURE = 2.5
"""An interval of factors whose ends differ by more than this tells nothing."""
POOR_FIT = 0.1
"""Root mean square difference of normalised covariance above which no factor makes scan and image alike."""
FEW_VOXELS = 256


def check_fractions(scan: Sample, image: Sample, match: PhaseMatch) -> Check:
    """Compare the fraction of each of the scan's phases with that of the image's phases which it shows.

    A phase of the image that no rule names may lie in any of the scan's, so that each can only be held to bounds, and
    nothing is said to agree.
    """
    free = match.free(image.phases)
    rest = fraction(image.all, [p.value for p in free])
    numbers: dict[str, object] = {"free": {"phases": [p.name for p in free], "fraction": rest}} if free else {}
    agreeing: list[str] = []
    wrong: list[str] = []
    unsure: list[str] = []
    doubt = False
    for (low,) in phase_groups(scan):
        name = scan.phases[low].name
        one, other = fraction_error(scan.all, [low]), fraction_error(image.all, match.shows[low])
        gap = max(other.value - one.value, one.value - other.value - rest, 0.0)
        numbers[name] = {"scan": one.to_json(), "image": other.to_json(), "gap": gap}
        verdict = _agree(one, other, gap)
        doubt = doubt or verdict is None
        least = f"{100 * other.value:.1f} to {100 * (other.value + rest):.1f} % of the image"
        if verdict is False:
            wrong.append(f"{name} is {one} of the scan but {least if free else f'{other} of the image'}")
        elif free:
            unsure.append(f"{name} {one} of the scan, {least}")
        else:
            (unsure if verdict is None else agreeing).append(f"{name} {one} and {other}")
    names = ", ".join(p.name for p in free)
    if wrong:
        bounds = f", wherever {names} ({100 * rest:.1f} %), that no rule names, may lie" if free else ""
        return Check(
            "phase-fractions", "warning",
            f"The phase fractions of scan and image disagree{bounds}: {'; '.join(wrong)} (95 %); check the "
            "segmentations, which phase shows which, that both show the same material, and whether the scan misses "
            "what is thinner than its voxels.",
            numbers,
        )  # fmt: skip
    if free:
        kept = "and there is not enough data to tell whether they keep them" if doubt else "which they keep"
        return Check(
            "phase-fractions", "unknown",
            f"No rule names {names} ({100 * rest:.1f} % of the image), which may lie in any phase of the scan, so the "
            f"fractions can't be compared but only held to bounds, {kept}: {'; '.join(unsure)}. To have them compared, "
            f"name {names} in --shows.",
            numbers,
        )  # fmt: skip
    if unsure:
        return Check(
            "phase-fractions", "unknown",
            f"There is not enough data to tell whether the phase fractions agree: {'; '.join(unsure)}.",
            numbers,
        )  # fmt: skip
    text = f"The phase fractions of scan and image agree: {'; '.join(agreeing)} (95 %)."
    return Check("phase-fractions", "ok", text, numbers)


def _agree(one: Fraction, other: Fraction, gap: float) -> bool | None:
    """Return whether two fractions agree; None where that can't be told."""
    if min(one.voxels, other.voxels) < FEW_VOXELS:
        return None
    middle = (one.value + other.value) / 2
    allowed = FRACTION_TOLERANCE * middle * (1 - middle)
    if one.certain and other.certain:
        return gap <= math.hypot(one.error, other.error) + allowed
    sure = one if one.certain else other
    absent = (other if sure is one else one).value in (0.0, 1.0)
    if absent and sure.certain:
        return gap <= sure.error + allowed
    return True if absent and gap == 0 else None


def check_scale(scan: Sample, image: Sample, problem: Problem) -> Check:
    """Compare the sizes of structures in scan and image with the stated scale factor."""
    stated = _text(problem.scale)
    phases = _telling(scan, image, problem.match)
    found = best_scale(scan.all, image.pieces, problem.match.shows, problem.scale, phases)
    numbers: dict[str, object] = {"stated": list(problem.scale)}
    free = problem.match.free(image.phases)
    left = f" What no rule names ({', '.join(p.name for p in free)}) is left out of this." if free else ""
    if found is not None:
        best, low, high = ([s * f for s in problem.scale] for f in (found.factor, found.low, found.high))
        numbers |= {
            "best": best, "low": low, "high": high,
            "mismatch": found.mismatch, "stated_mismatch": found.stated_mismatch,
        }  # fmt: skip
    if found is None or found.high > UNSURE * found.low:
        text = f"There is not enough data to tell whether the scale factor {stated} is right."
        return Check("scale-factor", "unknown", text, numbers)
    fits = f"{_text(_times(problem.scale, found.factor))} fits best, {_text(_times(problem.scale, found.low))} to "
    fits += _text(_times(problem.scale, found.high))
    if found.low / SCALE_TOLERANCE <= 1 <= found.high * SCALE_TOLERANCE:
        text = f"The structures of scan and image are of one size at the stated scale factor {stated} ({fits}; a fifth "
        text += "beyond is let pass)."
        if found.mismatch > POOR_FIT:
            text += f" {_POOR}"
        return Check("scale-factor", "ok", text + left, numbers)
    text = (
        f"The structures of scan and image are not of one size at the stated scale factor {stated}: a factor of about "
        f"{_text(_times(problem.scale, found.factor))} would fit best ({_text(_times(problem.scale, found.low))} to "
        f"{_text(_times(problem.scale, found.high))}); check the voxel sizes."
    )
    if found.mismatch > POOR_FIT:
        text += f" {_POOR}"
    return Check("scale-factor", "warning", text + left, numbers)


def check_sizes(check: Check, inputs: FusionInputs) -> Check:
    """Return the check of the scale factor, as a warning where the voxel sizes of scan and image give another one."""
    low, scale = inputs.low_res, inputs.problem.scale
    if low is None or not low.grid.known:
        return check
    planar = low.grid.shape[0] == 1
    sizes = fine_sizes({axes: i.grid for axes, i in inputs.groups.items()}, low.grid.unit, planar=planar)
    if contradicting(sizes) or not all(sizes[1:] if planar else sizes):
        return check
    exact = quotient(low.grid.voxel_size, [found[0] if found else 1.0 for found in sizes], planar=planar)
    if not (text := disagreement(scale, exact)):
        return check
    sentence = f"By the voxel sizes of scan and image {text}. {check.sentence}"
    return Check(check.name, "warning", sentence, check.numbers | {"from_sizes": list(exact)})


def _telling(scan: Sample, image: Sample, match: PhaseMatch) -> list[int]:
    """Return the scan's phases to compare: of two that fill everything one is enough."""
    phases = [low for (low,) in phase_groups(scan)]
    shown = {v for values in match.shows for v in values}
    return phases[:1] if len(match.shows) == 2 and len(shown) == len(image.phases) else phases


_POOR = "Even at the best factor their correlations differ, so they may not show the same structure."


def _times(scale: Scale, factor: float) -> Scale:
    return (scale[0] * factor, scale[1] * factor, scale[2] * factor)


def _text(scale: Scale) -> str:
    """Return ``4`` or ``4 × 4 × 2``."""
    texts = [f"{s:.2g}" if s < 10 else f"{s:.0f}" for s in scale]
    return texts[0] if len(set(texts)) == 1 else " × ".join(texts)
