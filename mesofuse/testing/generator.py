"""Checks of generators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from mesofuse.interfaces.problem import Problem
from mesofuse.testing.checks import Check, require
from mesofuse.testing.common import build, call, gradients, module_checks, shake_norms
from mesofuse.testing.problems import describe, problems_for
from mesofuse.testing.reach import largest, reach, verdict
from mesofuse.volumes.grid import Region, Triple

if TYPE_CHECKING:
    from mesofuse.registry import Component

Inputs = tuple[torch.Tensor, tuple[torch.Tensor, ...], Region, Region | None]
TOLERANCE = 1e-5  # convolutions may order their sums by the window's shape


def make(component: Component, problem: Problem, seed: int = 0) -> tuple[Any, Inputs]:
    """Build a generator in evaluation mode, and inputs that fill a small region away from the origin."""
    generator = build(component, problem, seed=seed)
    shake_norms(generator, seed)
    generator.eval()
    # What takes no scan makes far more of a voxel.
    core = Region((3, 1, 2), (8, 7, 7)) if problem.low_phases else Region((3, 1, 2), (4, 3, 3))
    return generator, inputs_for(generator, problem, core, seed)


def inputs_for(generator: Any, problem: Problem, core: Region, seed: int, batch: int = 1) -> Inputs:
    """Draw a random field and noise for a core; without a scan noise alone, for the halo around it too."""
    rng = torch.Generator().manual_seed(seed)
    low = len(problem.low_phases)
    region = core if low else core.grown(generator.halo)
    field = torch.zeros((batch, 0, *region.shape))
    if low:
        labels = torch.randint(low, (batch, *region.shape), generator=rng)
        field = torch.nn.functional.one_hot(labels, low).movedim(-1, 1).float()
    noise = tuple(
        torch.randn((batch, spec.channels, *region.scaled(spec.factor).shape), generator=rng)
        for spec in generator.noise
    )
    return field, noise, region, None if low else core


def declares(component: Component) -> None:
    """Look at scale, halo, noise and memory."""
    for problem in problems_for(component):
        generator, _ = make(component, problem)
        case = describe(problem)
        require(isinstance(generator, torch.nn.Module), "it is no torch.nn.Module.")
        if problem.low_phases:
            require(tuple(generator.scale) == problem.scale, f"{case}: its scale is {generator.scale}.")
        sound = len(generator.scale) == 3 and all(float(s).is_integer() and s >= 1 for s in generator.scale)
        require(problem.low_phases or sound, f"{case}: its scale {generator.scale} is not three whole numbers.")
        halo = generator.halo
        sound = isinstance(halo, tuple) and len(halo) == 3 and all(type(h) is int and h >= 0 for h in halo)
        require(sound, f"{case}: its halo {halo!r} is not three whole numbers.")
        names = [spec.name for spec in generator.noise]
        require(len(set(names)) == len(names), f"{case}: two noise fields share a name: {names}.")
        memory = generator.activation_bytes
        require(type(memory) is int and memory > 0, f"{case}: activation_bytes is {memory!r}; make it a positive int.")


def probabilities(component: Component) -> None:
    """Look at shape, range and sum of the result, for one volume and for two."""
    for problem in problems_for(component):
        generator, (_, _, region, core) = make(component, problem)
        for batch in (1, 2):
            case = f"{describe(problem)}, batch {batch}"
            result = call(generator, inputs_for(generator, problem, core or region, 1, batch))
            expected = (batch, problem.channels, *(core or region).scaled(generator.scale).shape)
            require(tuple(result.shape) == expected, f"{case}: its shape is {tuple(result.shape)}, not {expected}.")
            require(bool(torch.isfinite(result).all()), f"{case}: the result is not finite.")
            require(float(result.min()) >= 0 and float(result.max()) <= 1, f"{case}: values lie outside 0 … 1.")
            if problem.content != "phases":
                continue
            error = float((result.sum(1) - 1).abs().max())
            require(error < TOLERANCE, f"{case}: probabilities sum to 1 only within {error:.2g}.")


def learns(component: Component) -> None:
    """Go back from a random projection of the result, in training mode."""
    for problem in problems_for(component):
        generator, (_, _, region, core) = make(component, problem)
        generator.train()
        result = generator(*inputs_for(generator, problem, core or region, 1, batch=2))
        weights = torch.randn(result.shape, generator=torch.Generator().manual_seed(0))
        gradients(generator, (result * weights).sum(), describe(problem))


def halo(component: Component) -> str:
    """Change one input voxel's field, then its noise, and see how far the result changes."""
    remarks = []
    for problem in problems_for(component):
        generator, _ = make(component, problem)
        measured = largest([measure_halo(*make(component, problem, seed)[:1], problem, seed) for seed in (0, 1)])
        text = f"{describe(problem)}: halo declared {generator.halo}, measured {measured}"
        require(all(m <= h for m, h in zip(measured, generator.halo, strict=True)), f"{text} or more; declare more.")
        remarks.append(verdict(text, generator.halo, measured))
    return next(filter(None, remarks), "")


def measure_halo(generator: Any, problem: Problem, seed: int) -> Triple:
    """Return how many input voxels away a result is changed by one input voxel, up to two more than declared.

    Up to one more where a voxel without a scan makes many.
    """
    beyond = 2 if problem.low_phases else 1
    z, y, x = (2 * (h + beyond) + 1 for h in generator.halo)
    made = Region.whole((z, y, x)).shifted((3, 1, 2))
    field, noise, region, core = inputs_for(generator, problem, made, seed)
    before = call(generator, (field, noise, region, core))
    found: list[Triple] = [(0, 0, 0)]
    # Where voxels of the two grids meet in several ways, one centre does not show them all.
    shifts = range(1) if all(float(s).is_integer() for s in generator.scale) else range(-1, 2)
    for shift in shifts:
        centre = tuple(a + n // 2 + shift for a, n in zip(made.start, made.shape, strict=True))
        one = Region(centre, tuple(c + 1 for c in centre))  # type: ignore[arg-type]
        changed = [(_changed(field, one.within(region)), noise)] if problem.low_phases else []
        for i, spec in enumerate(generator.noise):
            where = one.scaled(spec.factor).within(region.scaled(spec.factor))
            changed.append((field, (*noise[:i], _louder(noise[i], where), *noise[i + 1 :])))
        for inputs in changed:
            after = call(generator, (*inputs, region, core))
            found.append(reach(before, after, made, one.start, generator.scale))
    return largest(found)


def _changed(field: torch.Tensor, where: tuple[slice, slice, slice]) -> torch.Tensor:
    """Return the field with another phase in one voxel."""
    field = field.clone()
    field[(..., *where)] = field[(..., *where)].roll(1, 1)
    return field


def _louder(noise: torch.Tensor, where: tuple[slice, slice, slice]) -> torch.Tensor:
    """Return the noise with very different numbers in one place."""
    noise = noise.clone()
    noise[(..., *where)] = 5 - 3 * noise[(..., *where)]
    return noise


def tile_is_whole(component: Component) -> None:
    """Make parts of a volume from windows that end where the volume ends, and compare them with the whole.

    Without a scan the windows go on beyond the volume's end, and their noise with them.
    """
    for problem in problems_for(component):
        generator, _ = make(component, problem)
        low = bool(problem.low_phases)
        z, y, x = generator.halo if low else (0, 0, 0)
        whole = Region.whole((z + 4, y + 3, x + 5))
        field, noise, region, core_of_all = inputs_for(generator, problem, whole, 2)
        expected = call(generator, (field, noise, region, core_of_all))
        stop = whole.stop
        cores = (
            Region((0, 0, 0), (2, 1, 2)),
            Region((1, 1, 2), (3, 3, 3)),
            Region((stop[0] - 1, stop[1] - 2, stop[2] - 2), stop),
        )
        for core in cores:
            window = core.grown(generator.halo, whole.shape if low else None)
            cut = (
                field[(..., *window.within(region))],
                tuple(
                    n[(..., *window.scaled(s.factor).within(region.scaled(s.factor)))]
                    for n, s in zip(noise, generator.noise, strict=True)
                ),
                window,
            )
            truth = expected[(..., *core.scaled(generator.scale).slices)]
            _same(call(generator, (*cut, core)), truth, f"{describe(problem)}, tile {core} (core)")
            if low:
                inner = core.scaled(generator.scale).within(window.scaled(generator.scale))
                _same(call(generator, cut)[(..., *inner)], truth, f"{describe(problem)}, tile {core} (cut)")


def _same(part: torch.Tensor, truth: torch.Tensor, case: str) -> None:
    require(part.shape == truth.shape, f"{case}: the tile's shape is {tuple(part.shape)}, not {tuple(truth.shape)}.")
    error = float((part - truth).abs().max())
    require(error <= TOLERANCE, f"{case} differs from the whole volume by {error:.2g}.")
    best = truth.topk(2, 1).values if truth.shape[1] > 1 else None
    clear = torch.ones_like(truth[:, 0], dtype=torch.bool) if best is None else best[:, 0] - best[:, 1] > TOLERANCE
    differ = int(((part.argmax(1) != truth.argmax(1)) & clear).sum())
    require(differ == 0, f"{case}: {differ} voxels get another phase than in the whole volume.")


CHECKS = (
    Check("declares", "Scale, halo, noise and memory are stated soundly.", declares),
    Check("probabilities", "The result has the right shape and range, and phases sum to 1.", probabilities),
    *module_checks(make),
    Check("gradient", "Every weight gets a finite gradient.", learns),
    Check("halo", "No voxel depends on input further away than the halo.", halo),
    Check("tile-is-whole", "A tile made from its window equals that part of the whole volume.", tile_is_whole),
)
