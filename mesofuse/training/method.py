"""The method that every adversarial recipe is: build the parts by name, train them, wrap the generator as a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import SupportsEstimate
from mesofuse.interfaces.events import Note
from mesofuse.interfaces.generator import Generator
from mesofuse.interfaces.method import FitRun, FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.registry import get_registry
from mesofuse.training.generator_model import GeneratorModel
from mesofuse.training.parallel import joined
from mesofuse.training.recipe import AdversarialOptions, Part
from mesofuse.volumes.grid import Scale


class AdversarialMethod:
    """Fit a generator against 2D critics; a plugin subclasses it and supplies the options' defaults.

    Args:
        options: The recipe.
    """

    trains = True
    parallel = True
    warm = True

    def __init__(self, options: AdversarialOptions) -> None:
        self.options = options

    def build_generator(self, problem: Problem) -> torch.nn.Module:
        """Return a freshly initialised generator."""
        part = self.options.generator
        generator: torch.nn.Module = get_registry().find("generator", part.name).build(part.options, problem)
        return generator

    def grid_scale(self, problem: Problem) -> Scale:
        """Return how many voxels of a result lie along one voxel of the generator's input."""
        scale: Scale = cast(Generator, self.build_generator(problem)).scale
        return scale

    def fit(self, inputs: FusionInputs, run: FitRun) -> GeneratorModel:
        """Train; see `mesofuse.training.adversarial.AdversarialTrainer`."""
        from mesofuse.training.adversarial import AdversarialTrainer

        self._estimate(inputs, run)
        with joined(run.device) as share:
            return AdversarialTrainer(self.options, self, inputs, run, share).fit()

    def _estimate(self, inputs: FusionInputs, run: FitRun) -> None:
        """Put numbers in place of what the degradation estimates from image and scan; `options` holds them then."""
        part = self.options.degradation
        component = None if part is None else get_registry().find("degradation", part.name)
        if part is None or component is None or not isinstance(component.load(), SupportsEstimate):
            return
        given = component.options(part.options)
        found = component.load().estimate(given, inputs, lambda text: run.emit(Note(text)))
        if found != given:
            concrete = Part.model_validate({"name": part.name, **found.model_dump(mode="json")})
            self.options = self.options.model_copy(update={"degradation": concrete})

    def restore(self, problem: Problem, state: Mapping[str, np.ndarray]) -> GeneratorModel:
        """Rebuild the model from its saved weights.

        Raises:
            ValueError: If the weights are not those of this recipe's generator.
        """
        self._refuse_others(problem, state)
        generator = self.build_generator(problem)
        self.load(generator, state)
        return GeneratorModel(generator, problem, self.options.labels)

    def load(self, generator: torch.nn.Module, state: Mapping[str, np.ndarray]) -> None:
        """Put saved weights into a generator.

        Raises:
            ValueError: If they are not those of such a generator.
        """
        try:
            generator.load_state_dict({k: torch.as_tensor(v) for k, v in state.items()})
        except RuntimeError as error:
            raise ValueError(
                f"the weights do not fit the generator {self.options.generator.name!r}: {error}"
            ) from error

    def _refuse_others(self, problem: Problem, state: Mapping[str, np.ndarray]) -> None:
        """Refuse weights of another generator before one is built, which may be far larger than the weights are.

        Raises:
            ValueError: If a weight is missing, left over, of another size or not finite.
        """
        name = self.options.generator.name
        wild = next((k for k, v in state.items() if not np.isfinite(v).all()), None)
        if wild is not None:
            raise ValueError(f"the weight {wild!r} holds values that are not finite, as after a diverged training")
        try:
            with torch.device("meta"):
                sizes = {k: v.numel() for k, v in self.build_generator(problem).state_dict().items()}
        except UserError:
            raise
        except Exception:  # a generator that computes with its weights while it is built; loading them tells
            return
        found = {k: v.size for k, v in state.items()}
        if sizes != found:
            differing = min(k for k in sizes.keys() | found.keys() if sizes.get(k) != found.get(k))
            raise ValueError(
                f"the weights do not fit the generator {name!r}, where {differing!r} has "
                f"{sizes.get(differing, 'no')} values, not {found.get(differing, 'none')}"
            )
