"""The projection that a model package asks for: by its own degradation, leaving free what its losses leave free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.method import Model
from mesofuse.interfaces.problem import Problem
from mesofuse.models.package import Package
from mesofuse.streaming.projection import ProjectedModel
from mesofuse.training.parts import build_degradation
from mesofuse.training.recipe import Part

DEFAULT_DEGRADATION = "blur-downsample"


def method_degradation(package: Package, problem: Problem) -> Degradation | None:
    """Return the degradation that a method's options name, or None where it has none."""
    part = package.options.get("degradation")
    return build_degradation(Part.model_validate(part), problem) if part else None


def judged_by(package: Package, problem: Problem) -> tuple[Degradation | None, str]:
    """Return the degradation that agreement with the scan is judged by, and a sentence where it is a substitute.

    A method without one is judged by the default, as far as that is installed.
    """
    if own := method_degradation(package, problem):
        return own, ""
    try:
        built = build_degradation(Part(name=DEFAULT_DEGRADATION), problem)
    except UserError as error:
        return None, f"Agreement with the scan is not measured: {error}"
    return built, (
        f"The method {package.method!r} has no model of the instrument: agreement with the scan is judged by the "
        f"degradation {DEFAULT_DEGRADATION!r}"
    )


def check_projection(method: str, options: Mapping[str, Any], problem: Problem) -> None:
    """Refuse to project what a method makes where nothing says on what.

    Args:
        method: The method's name.
        options: Its options.
        problem: What it is fitted for.

    Raises:
        UserError: If the method has no degradation, or takes no scan.
    """
    if not problem.low_phases:
        raise UserError("This model takes no scan, so there is nothing to project its result on: leave --project out.")
    if not options.get("degradation"):
        raise UserError(
            f"The method {method!r} names no degradation, which says what the scan shows of a result, so nothing can "
            "be projected: leave --project out; `mesofuse consistency` maps where a result does not show its scan."
        )


def projected(package: Package, model: Model) -> tuple[ProjectedModel, dict[str, Any]]:
    """Return a package's model with the projection, and what a volume records of it.

    Where a loss of the recipe is one-sided, the scan's phase 0 is not enforced: there the recipe lets material appear.

    Args:
        package: The package.
        model: Its model, on the device that it computes on.

    Raises:
        UserError: If the method has no degradation, or takes no scan.
    """
    check_projection(package.method, package.options, model.problem)
    degradation = method_degradation(package, model.problem)
    assert degradation is not None
    losses = package.options.get("losses") or ()
    free = (0,) if any(loss.get("one_sided") for loss in losses) else ()
    made = ProjectedModel(model, degradation, free=free)
    return made, {"degradation": package.options.get("degradation"), **made.describe()}


def summary(totals: dict[str, int], voxels: int, free: Sequence[str] = ()) -> str:
    """Return what a projection did, as a sentence.

    Args:
        totals: Sums of its counts.
        voxels: Voxels of the result's tiles.
        free: Names of the scan's phases that were not enforced.
    """
    moved, left = totals["projection/moved"], totals["projection/violated"]
    rest = f"{left:,} voxels of the scan are still not shown" if left else "every enforced voxel of the scan is shown"
    spared = f"; {', '.join(free)} of the scan is left free, as the recipe's one-sided loss does" if free else ""
    return f"The projection changed {moved:,} voxels ({moved / voxels:.2%}); {rest}{spared}"
