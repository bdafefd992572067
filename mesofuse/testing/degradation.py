"""Checks of degradations."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import SupportsShares
from mesofuse.interfaces.problem import Problem
from mesofuse.testing.checks import Check, require
from mesofuse.testing.common import build, call, module_checks, same_bits
from mesofuse.testing.problems import describe, problems_for
from mesofuse.testing.reach import largest, reach, verdict
from mesofuse.volumes.grid import Region, Triple

if TYPE_CHECKING:
    from mesofuse.registry import Component

TOLERANCE = 1e-5
ONE_TO_ONE = (1.0, 1.0, 1.0)  # results lie on the scan's grid


def make(component: Component, problem: Problem) -> tuple[Any, tuple[torch.Tensor, Region]]:
    """Build a degradation in evaluation mode, and two volumes of probabilities away from the origin."""
    degradation = build(component, problem)
    degradation.eval()
    region = Region((3, 1, 2), (8, 7, 7))
    return degradation, (volumes(problem, region, 2), region)


def volumes(problem: Problem, region: Region, batch: int, contrast: float = 1.0, seed: int = 0) -> torch.Tensor:
    """Draw probabilities; with little contrast they are all nearly equal: sharpening can't hide a dependence then."""
    rng = torch.Generator().manual_seed(seed)
    shape = (batch, len(problem.phases), *region.scaled(problem.scale).shape)
    return (contrast * torch.randn(shape, generator=rng)).softmax(1)


def strengths(component: Component) -> None:
    """Look at shape and values of the result."""
    for problem in problems_for(component):
        degradation, inputs = make(component, problem)
        case = describe(problem)
        require(isinstance(degradation, torch.nn.Module), "it is no torch.nn.Module.")
        result = call(degradation, inputs)
        expected = (2, len(problem.low_phases), *inputs[1].shape)
        require(tuple(result.shape) == expected, f"{case}: its shape is {tuple(result.shape)}, not {expected}.")
        require(bool(torch.isfinite(result).all()), f"{case}: the result is not finite.")


def uniform(component: Component) -> None:
    """Degrade a volume of one phase: the scan phase that shows it must win everywhere."""
    for problem in problems_for(component):
        degradation, (volume, region) = make(component, problem)
        for low, values in enumerate(problem.match.shows):
            pure = torch.zeros_like(volume)
            pure[:, values[0]] = 1
            seen = call(degradation, (pure, region)).argmax(1)
            require(bool((seen == low).all()), f"{describe(problem)}: phase {values[0]} alone is not seen as {low}.")


def batch_independent(component: Component) -> None:
    """Degrade two volumes together and each alone."""
    for problem in problems_for(component):
        degradation, (both, region) = make(component, problem)
        together = call(degradation, (both, region))
        for i in range(2):
            alone = call(degradation, (both[i : i + 1], region))
            error = float((alone - together[i : i + 1]).abs().max())
            require(error <= TOLERANCE, f"{describe(problem)}: alone and in a batch differ by {error:.2g}.")


def learns(component: Component) -> None:
    """Go back to the probabilities."""
    for problem in problems_for(component):
        degradation, (_, region) = make(component, problem)
        volume = volumes(problem, region, 2, contrast=0.01).requires_grad_(True)
        result = degradation(volume, region)
        weights = torch.randn(result.shape, generator=torch.Generator().manual_seed(0))
        (gradient,) = torch.autograd.grad((result * weights).sum(), volume)
        case = describe(problem)
        require(bool(torch.isfinite(gradient).all()), f"{case}: the gradient is not finite.")
        require(bool(gradient.any()), f"{case}: no gradient reaches the probabilities.")


def halo(component: Component) -> str:
    """Change the voxels of one scan voxel and see how far the result changes."""
    remarks = []
    for problem in problems_for(component):
        degradation, _ = make(component, problem)
        measured = largest([measure_halo(degradation, problem, contrast) for contrast in (0.01, 0.1, 1.0)])
        text = f"{describe(problem)}: halo declared {degradation.halo}, measured {measured}"
        require(all(m <= h for m, h in zip(measured, degradation.halo, strict=True)), f"{text} or more; declare more.")
        remarks.append(verdict(text, degradation.halo, measured))
    return next(filter(None, remarks), "")


def measure_halo(degradation: Any, problem: Problem, contrast: float) -> Triple:
    """Return how many scan voxels away a result is changed, up to two more than declared."""
    z, y, x = (2 * (h + 2) + 1 for h in degradation.halo)
    region = Region.whole((z, y, x)).shifted((3, 1, 2))
    volume, other = (volumes(problem, region, 1, contrast, seed) for seed in (0, 1))
    before = call(degradation, (volume, region))
    found: list[Triple] = [(0, 0, 0)]
    shifts = range(1) if all(float(s).is_integer() for s in problem.scale) else range(-1, 2)
    for shift in shifts:
        centre = tuple(a + n // 2 + shift for a, n in zip(region.start, region.shape, strict=True))
        one = Region(centre, tuple(c + 1 for c in centre))  # type: ignore[arg-type]
        where = one.scaled(problem.scale).within(region.scaled(problem.scale))
        changed = volume.clone()
        changed[(..., *where)] = other[(..., *where)]
        found.append(reach(before, call(degradation, (changed, region)), region, one.start, ONE_TO_ONE))
    return largest(found)


def window_is_whole(component: Component) -> None:
    """Degrade a window with the halo, and compare its core with the whole volume's."""
    for problem in problems_for(component):
        degradation, _ = make(component, problem)
        z, y, x = degradation.halo
        whole = Region.whole((z + 4, y + 3, x + 5))
        volume = volumes(problem, whole, 1, contrast=0.1)
        expected = call(degradation, (volume, whole))
        stop = whole.stop
        for core in (Region((0, 0, 0), (2, 1, 2)), Region((1, 1, 2), (3, 3, 3)), Region((stop[0] - 1, 1, 1), stop)):
            window = core.grown(degradation.halo, whole.shape)
            part = call(degradation, (volume[(..., *window.scaled(problem.scale).slices)], window))
            part, truth = part[(..., *core.within(window))], expected[(..., *core.slices)]
            error = float((part - truth).abs().max())
            require(error <= TOLERANCE, f"{describe(problem)}, core {core}: differs from the whole by {error:.2g}.")
            if not same_bits(part.argmax(1), truth.argmax(1)):
                clear = truth.topk(min(2, truth.shape[1]), 1).values.diff(dim=1).abs().amax(1) > TOLERANCE
                differ = int(((part.argmax(1) != truth.argmax(1)) & clear).sum())
                require(differ == 0, f"{describe(problem)}, core {core}: {differ} voxels show another phase.")


def planar(component: Component) -> str:
    """Degrade a plane: one voxel along z, scale 1 there."""
    for problem in problems_for(component):
        flat = dataclasses.replace(problem, scale=(1.0, *problem.scale[1:]))
        try:
            degradation = build(component, flat)
        except UserError as error:
            return f"Planar jobs are refused: {error}"
        degradation.eval()
        whole = Region.whole((1, 9, 8))
        volume = volumes(flat, whole, 1, contrast=0.1)
        expected = call(degradation, (volume, whole))
        shape = (1, len(flat.low_phases), 1, 9, 8)
        require(tuple(expected.shape) == shape, f"{describe(flat)}: a plane's result is {tuple(expected.shape)}.")
        require(bool(torch.isfinite(expected).all()), f"{describe(flat)}: a plane's result is not finite.")
        core = Region((0, 3, 2), (1, 6, 5))
        window = core.grown(degradation.halo, whole.shape)
        part = call(degradation, (volume[(..., *window.scaled(flat.scale).slices)], window))
        error_of = float((part[(..., *core.within(window))] - expected[(..., *core.slices)]).abs().max())
        require(error_of <= TOLERANCE, f"{describe(flat)}: a plane's window differs from the whole by {error_of:.2g}.")
    return ""


def shares(component: Component) -> None:
    """Hold the optional `shares` against the strengths: they must choose the same phase."""
    for problem in problems_for(component):
        degradation, (volume, region) = make(component, problem)
        able: object = degradation
        if not isinstance(able, SupportsShares):
            return
        strength = call(degradation, (volume, region))
        with torch.no_grad():
            seen = able.shares(volume.clone(), region)
        case = describe(problem)
        require(seen.shape == strength.shape, f"{case}: shares are {tuple(seen.shape)}, not {tuple(strength.shape)}.")
        best = seen.gather(1, strength.argmax(1, keepdim=True))
        behind = float((seen.amax(1, keepdim=True) - best).max())
        require(behind <= TOLERANCE, f"{case}: shares choose another phase than the strengths, by {behind:.2g}.")


CHECKS = (
    Check("strengths", "One finite value for each scan phase and voxel.", strengths),
    Check("uniform", "A volume of one phase is seen as the phase that shows it.", uniform),
    *module_checks(make),
    Check("batch-independent", "A volume's result does not depend on the others of its batch.", batch_independent),
    Check("gradient", "The probabilities get a finite gradient.", learns),
    Check("halo", "No result depends on voxels further away than the halo.", halo),
    Check("planar", "A plane (one voxel along z, scale 1 there) is degraded as a plane.", planar),
    Check("shares", "What a voxel sees chooses the phase that shows, where it says what it sees.", shares),
    Check("window-is-whole", "A window with its halo gives what the whole volume gives.", window_is_whole),
)
