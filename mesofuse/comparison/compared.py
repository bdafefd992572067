"""A finished comparison."""

from __future__ import annotations

from dataclasses import dataclass

from mesofuse.comparison.columns import (
    Bench,
)
from mesofuse.comparison.entry import Usage
from mesofuse.config.comparison import ComparisonConfig
from mesofuse.evaluation.comparison import Column, Line
from mesofuse.pipeline.inputs import JobInputs
from mesofuse.volumes.labels import Labels


@dataclass(frozen=True)
class Compared:
    """A finished comparison.

    Attributes:
        columns: All that was measured: the column that errors are relative to, the image, then the entries in their
            order.
        lines: The table.
        usage: Time and memory of each entry that was made here, by name.
        labels: The volumes by column name; the image is a stack (of several directions, the one normal to z).
        bench: Where it was measured, with the configuration and the opened inputs.
    """

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    usage: dict[str, Usage]
    labels: dict[str, Labels]
    bench: Bench

    @property
    def config(self) -> ComparisonConfig:
        """What was compared, resolved."""
        return self.bench.config

    @property
    def inputs(self) -> JobInputs:
        """The opened inputs."""
        return self.bench.inputs

    @property
    def reference(self) -> Column:
        """The column that errors are relative to."""
        return self.columns[0]
