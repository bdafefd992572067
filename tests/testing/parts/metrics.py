"""Small sound metrics, and one for each fault."""

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Curve, Measurement, Needs


class Good:
    """Mean label. Formula: sum / N. Unit: none."""

    needs: ClassVar[Needs] = Needs()

    def __init__(self, options):
        pass

    def measure(self, labels, context):
        return [Measurement("tiny", "all", float(labels.mean())), Curve("tiny", "all", (0.0, 1.0), (1.0, 2.0))]


class Additive(AdditiveMetric):
    """Steps along the last axis. Formula: count of unequal neighbours. Unit: none."""

    def __init__(self, options):
        pass

    def reach(self, context):
        return (0, 0, 1)

    def count(self, block):
        own = block.core.within(block.window)
        z, y, x = own
        after = block.labels[z, y, x.start + 1 : x.stop + 1]
        before = block.labels[z, y, x][..., : after.shape[-1]]
        return {"steps": np.array((before != after).sum())}

    def finish(self, counts, context):
        return [Measurement("tiny", "all", float(counts["steps"]))]


class Seams(Additive):
    """Forgets the steps between pieces. Formula, unit."""

    def reach(self, context):
        return (0, 0, 0)


class OddName(Good):
    """Formula, unit."""

    def measure(self, labels, context):
        return [Measurement("Odd name", "all", 1.0)]


class NoLabel(Good):
    """Formula, unit."""

    def measure(self, labels, context):
        return [Measurement("tiny", "", 1.0)]


class Infinite(Good):
    """Formula, unit."""

    def measure(self, labels, context):
        return [Measurement("tiny", "all", float("-inf") if (labels == 0).all() else 1.0)]


class Numpy(Good):
    """Formula, unit."""

    def measure(self, labels, context):
        return [Measurement("tiny", "all", labels.mean())]


class InPlace(Good):
    """Formula, unit."""

    def measure(self, labels, context):
        labels[0] = 0
        return super().measure(labels, context)


class Random(Good):
    """Formula, unit."""

    def measure(self, labels, context):
        return [Measurement("tiny", "all", float(np.random.default_rng().random()))]


class Backwards(Good):
    """Formula, unit."""

    def measure(self, labels, context):
        return [Curve("tiny", "all", (1.0, 0.0), (1.0, 2.0))]


class Undocumented(Good):
    pass


Undocumented.__doc__ = None
