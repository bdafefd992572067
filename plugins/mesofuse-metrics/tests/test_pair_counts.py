from __future__ import annotations

import numpy as np
from mesofuse_metrics.pair_counts import pair_counts
from mesofuse_metrics.voxel_directions import STEPS

from mesofuse.interfaces.metric import Block
from mesofuse.volumes.grid import Region


def test_equals_direct_counts(context):
    labels = np.random.default_rng(0).integers(0, 3, (7, 8, 9), dtype=np.uint8)
    region = Region.whole(labels.shape)
    pairs = [(0, 0), (0, 2), (1, 1)]
    counts, totals = pair_counts(Block(labels, region, region, context(labels, 3)), STEPS, 10, pairs)
    at = {tuple(p): int(v) for p, v in zip(np.argwhere(labels >= 0), labels.ravel(), strict=True)}
    for i, step in enumerate(STEPS):
        for lag in (0, 1, 2, 5, 8, 10):
            found = [(v, at.get(tuple(np.array(p) + np.array(step) * lag))) for p, v in at.items()]
            found = [f for f in found if f[1] is not None]
            assert totals[i, lag] == len(found)
            for j, (one, other) in enumerate(pairs):
                expected = sum(f == (one, other) for f in found) + (one != other) * sum(
                    f == (other, one) for f in found
                )
                assert counts[i, lag, j] == expected
