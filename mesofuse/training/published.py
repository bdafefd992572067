"""The weights of a published program, renamed for a generator of ours: each tensor is used once and none is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mesofuse.errors import UserError, nearest

LAYER = ("weight", "bias")
NORM = (*LAYER, "running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class Imported:
    """What a published state dict becomes.

    Attributes:
        options: The method's options that the tensors tell, as overrides of the defaults.
        state: The arrays that `Method.restore` takes.
    """

    options: dict[str, Any]
    state: dict[str, np.ndarray]


class PublishedWeights:
    """A state dict whose tensors are taken one by one.

    Args:
        tensors: Arrays by their published names.
        program: What the published program is called in an error.
    """

    def __init__(self, tensors: Mapping[str, np.ndarray], program: str) -> None:
        self._left = dict(tensors)
        self._program = program

    def __contains__(self, name: str) -> bool:
        """Return whether a tensor of that name is left."""
        return name in self._left

    def count(self, prefix: str) -> int:
        """Return how many layers ``prefix.0``, ``prefix.1`` … there are tensors of."""
        return len({n.split(".")[1] for n in self._left if n.startswith(f"{prefix}.") and n.count(".") > 1})

    def shape(self, name: str, dims: int) -> tuple[int, ...]:
        """Return the shape of a tensor that must be there and have so many axes.

        Raises:
            UserError: If it is missing or has another number of axes.
        """
        found = self._left.get(name)
        if found is None:
            raise UserError(
                f"The weights hold no tensor {name!r}, so they are not those of a generator of {self._program}."
                f"{nearest(name, list(self._left)[:8])}"
            )
        if found.ndim != dims:
            raise UserError(
                f"The tensor {name!r} has {found.ndim} axes, but in a generator of {self._program} it has {dims}."
            )
        return found.shape

    def take(self, name: str, to: str, parts: Sequence[str] = LAYER) -> dict[str, np.ndarray]:
        """Return the tensors of a layer under the name of ours.

        Raises:
            UserError: If one is missing.
        """
        taken = {}
        for part in parts:
            if f"{name}.{part}" not in self._left:
                raise UserError(
                    f"The weights hold no tensor {f'{name}.{part}'!r}, so they are not those of a generator of "
                    f"{self._program}."
                )
            taken[f"{to}.{part}"] = self._left.pop(f"{name}.{part}")
        return taken

    def drop(self, *names: str) -> None:
        """Leave out layers that the published program lists but never runs."""
        for layer in names:
            for name in [n for n in self._left if n.startswith(f"{layer}.")]:
                del self._left[name]

    def close(self) -> None:
        """Refuse tensors that are left over.

        Raises:
            UserError: If there are some.
        """
        if self._left:
            raise UserError(
                f"The weights hold {len(self._left)} tensors that a generator of {self._program} does not have, such "
                f"as {min(self._left)!r}: they are another network's."
            )
