"""Tortuosity factor and transport efficiency of each phase along each axis, by taufactor."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.metric import Measurement, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import AXES
from mesofuse.volumes.phases import IGNORED, phase_value
from mesofuse_metrics import conduction
from mesofuse_metrics.components import boxed, components
from mesofuse_metrics.options import TortuosityOptions
from mesofuse_metrics.reasons import ABSENT, unless

WATCHED = 200  # iterations between signs of life
MORE = "raise their number with --set tortuosity.iterations=…"


class Tortuosity:
    """Steady diffusion through one phase between opposite faces of the volume.

    Formula: transport efficiency e = D_eff / D_0, the flux through the volume relative to the flux through the same box
    filled with the phase; tortuosity factor τ = φ / e with φ the phase's volume fraction, so e = φ / τ. Unit: none.
    Convention: concentrations fixed on the two faces normal to the axis, no flux through the other sides or into other
    phases; finite volumes on the voxels (which need not be cubes). Only the part that connects the two faces is solved
    for. A phase that does not percolate has e = 0 and τ = ∞ at once. Where the path is so long and thin that
    taufactor's relaxation stalls, the same equations are solved by conjugate gradients; what did not converge then is
    NaN. Ignored voxels conduct nothing; where there are some, the box is the smallest around the others, and fluxes are
    relative to that through all that is not ignored.
    Source: taufactor 1.2, Kench, Squires, Cooper, J. Open Source Softw. 8 (2023) 5358.
    """

    needs: ClassVar[Needs] = Needs(three_d=True, bytes_per_voxel=80, masked=True)

    def __init__(self, options: TortuosityOptions | None = None) -> None:
        """Take which phases and axes, the tolerance and the device."""
        self.options = options or TortuosityOptions()

    def measure(self, labels: np.ndarray, context: MetricContext) -> list[Result]:
        """Solve for each phase and axis."""
        names = self.options.phases or tuple(p.name for p in context.phases)
        wanted = [context.phases[phase_value(name, context.phases)] for name in names]
        labels = boxed(labels, context.masked)
        found = components(labels)
        known = labels != IGNORED if context.masked else None
        whole = {name: self._whole(known, AXES.index(name), context) for name in self.options.axes}
        results: list[Result] = []
        solved, total = 0, len(wanted) * len(self.options.axes)
        for phase in wanted:
            fraction = float(found.sizes[1:][found.phase[1:] == phase.value].sum() / found.sizes.sum())
            for name in self.options.axes:
                axis = AXES.index(name)
                crossing = found.crossing(axis) & (found.phase == phase.value)
                crossing[0] = False
                efficiency, why = 0.0, _blocked(fraction, name)
                if crossing.any():

                    def progress(share: float, before: int = solved) -> None:
                        context.progress((before + share) / total)

                    efficiency = self._efficiency(crossing[found.ids], axis, context, progress) / whole[name]
                    why = f"it did not converge in {self.options.iterations} iterations: {MORE}"
                solved += 1
                context.progress(solved / total)
                tau = math.inf if efficiency == 0 else fraction / efficiency
                label = Of(phase.name, along=name)
                for metric, value in (("tortuosity", tau), ("transport-efficiency", efficiency)):
                    results.append(Measurement(metric, label, value, reason=unless(value, why)))
        return results

    def _whole(self, known: np.ndarray | None, axis: int, context: MetricContext) -> float:
        """Return D_eff / D_0 of all that is not ignored, as if it were one phase: what efficiencies are relative to."""
        if known is None or known.all():
            return 1.0
        found = components(np.where(known, np.uint8(0), np.uint8(IGNORED)))
        crossing = found.crossing(axis)
        crossing[0] = False
        if not crossing.any():
            return math.nan
        return self._efficiency(crossing[found.ids], axis, context, lambda share: None)

    def _efficiency(
        self, conducting: np.ndarray, axis: int, context: MetricContext, progress: Callable[[float], None]
    ) -> float:
        """Return D_eff / D_0 of a phase that connects both faces; NaN where it did not converge."""
        order = (axis, *(a for a in range(3) if a != axis))
        image = np.ascontiguousarray(conducting.transpose(order))
        layers = image.shape[0]
        if layers == 1:
            return float(image.mean())
        spacing = tuple(context.grid.voxel_size[a] for a in order)
        solver = _solver(image.astype(np.uint8), spacing, self.options.device)
        limit = min(self.options.iterations, max(3000, 12 * layers))
        with contextlib.redirect_stdout(io.StringIO()):
            while not solver.converged and solver.iter < limit:
                progress(solver.iter / limit)
                step = min(limit, solver.iter + WATCHED)
                solver.solve(iter_limit=step, verbose=False, conv_crit=self.options.tolerance)
        if solver.converged and 0 < (value := float(solver.D_rel[0])) < math.inf:
            return value
        del solver
        exact = conduction.efficiency(image, spacing, self.options.tolerance, self.options.iterations)
        return math.nan if exact is None else exact


def _blocked(fraction: float, axis: str) -> str:
    return f"the phase does not connect the faces normal to {axis}" if fraction else ABSENT


def _solver(image: np.ndarray, spacing: tuple[float, ...], device: str) -> Any:
    try:
        import taufactor
    except ImportError as error:
        raise UserError(
            f"The metric 'tortuosity' needs the package taufactor, which can't be imported: {error}."
        ) from None
    if max(spacing) <= min(spacing) * (1 + 1e-6):
        return taufactor.Solver(image, device=device)

    class Oblong(taufactor.AnisotropicSolver):  # type: ignore[misc]
        """taufactor 1.2 takes cells of a large weight for walls, so that its flux vanishes for flat voxels."""

        def vertical_flux(self) -> Any:
            flux = self.field[:, 2:-1, 1:-1, 1:-1] - self.field[:, 1:-2, 1:-1, 1:-1]
            conducting = self.factor.isfinite()
            return flux * (conducting[:, :-1] & conducting[:, 1:])

    return Oblong(image, spacing=spacing, device=device)
