"""A small sound method, and one for each fault."""

import math

import numpy as np

from mesofuse.interfaces.method import TileOutput
from mesofuse.interfaces.noise import NoiseSpec


class Model:
    tile = (8, 8, 8)
    can_tile = True

    def __init__(self, problem, share):
        self.problem, self.scale, self.share = problem, problem.scale, share
        self.halo = (1, 0, 0)
        self.noise = (NoiseSpec("input", 1),)

    def to(self, device):
        return self

    def tile_bytes(self, window):
        return int(np.prod(window)) * 1000

    def state(self):
        return {"share": self.share}

    def reconstruct(self, tile, *, probabilities=False):
        return self.result(self.values(tile), tile, probabilities)

    def values(self, tile):
        """The field and its neighbours along z, replicated at the ends, with noise."""
        field = tile.field.astype(np.float32) + tile.noise[0][0]
        wide = np.concatenate([field[:1], field, field[-1:]])
        return wide[:-2] + wide[1:-1] + wide[2:]

    def result(self, values, tile, probabilities):
        values = values[tile.core.within(tile.window)]
        for axis, scale in enumerate(self.scale):
            values = values.repeat(int(scale), axis)
        strengths = np.stack([self.share[i] - (values - i) ** 2 for i in range(3)]).astype(np.float32)
        strengths = np.exp(strengths - strengths.max(0))
        strengths /= strengths.sum(0)
        return TileOutput(strengths.argmax(0).astype(np.uint8), strengths if probabilities else None)


class Good:
    trains = True
    test_scales = (2,)
    model = Model

    def __init__(self, options):
        pass

    def fit(self, inputs, run):
        (run.folder / "log.txt").write_text("fitted")
        counts = np.bincount(inputs.images[0].array.ravel(), minlength=3)
        return self.model(inputs.problem, (counts / counts.sum()).astype(np.float32))

    def restore(self, problem, state):
        return self.model(problem, state["share"])


class DrawnModel(Model):
    """Draws labels by a second noise field; ``favoured`` of phase 0 more often than its probability says."""

    draws, favoured = True, 0.0

    def __init__(self, problem, share):
        super().__init__(problem, share)
        self.noise = (NoiseSpec("input", 1), NoiseSpec("labels", 1, self.scale))

    def result(self, values, tile, probabilities):
        made = super().result(values, tile, True).probabilities
        own = tile.core.scaled(self.scale).within(tile.window.scaled(self.scale))
        uniform = (1 + np.vectorize(math.erf)(tile.noise[1][0][own] / math.sqrt(2))) / 2 - self.favoured
        labels = (uniform > np.cumsum(made, 0)[:-1]).sum(0).astype(np.uint8)
        return TileOutput(labels, made if probabilities else None)


class Drawing(Good):
    model = DrawnModel


class FavouringModel(DrawnModel):
    favoured = 0.2


class Favouring(Good):
    model = FavouringModel


class WholeModel(Model):
    can_tile = False


class WholeOnly(Good):
    model = WholeModel


class SmallHaloModel(Model):
    def __init__(self, problem, share):
        super().__init__(problem, share)
        self.halo = (0, 0, 0)


class SmallHalo(Good):
    model = SmallHaloModel


class ForgetfulModel(Model):
    def state(self):
        return {"share": np.zeros(3, np.float32) + np.array([9, 0, 0], np.float32)}


class Forgetful(Good):
    model = ForgetfulModel


class UnseededModel(Model):
    def __init__(self, problem, share):
        super().__init__(problem, share + np.random.default_rng().random(3, dtype=np.float32))


class Unseeded(Good):
    model = UnseededModel


class StatefulModel(Model):
    calls = 0

    def values(self, tile):
        self.calls += 1
        return super().values(tile) + self.calls


class Stateful(Good):
    model = StatefulModel


class ShyModel(Model):
    def result(self, values, tile, probabilities):
        return super().result(values, tile, False)


class Shy(Good):
    model = ShyModel


class ObjectModel(Model):
    def state(self):
        return {"share": np.array([object()], dtype=object)}


class Objects(Good):
    model = ObjectModel


class NoScanModel(Model):
    """Takes no scan: its noise goes on beyond the volume's end."""

    def __init__(self, problem, share):
        super().__init__(problem, share)
        self.scale = (2.0, 2.0, 2.0)

    def values(self, tile):
        noise = tile.noise[0][0]
        return np.concatenate([noise[:1], noise[:-2] + noise[2:], noise[-1:]])


class NoScan(Good):
    conditional = False
    model = NoScanModel

    def fit(self, inputs, run):
        assert inputs.low_res is None
        return super().fit(inputs, run)


class NoScanSmallHaloModel(NoScanModel):
    def __init__(self, problem, share):
        super().__init__(problem, share)
        self.halo = (0, 0, 0)

    def values(self, tile):
        return tile.noise[0][0] + tile.noise[0][0].mean()


class NoScanSmallHalo(NoScan):
    model = NoScanSmallHaloModel


class SmallStateModel(Model):
    """Keeps an array without axes, an empty one and one whose memory is not contiguous."""

    def state(self):
        wide = np.stack([self.share, self.share], 1)
        return {"share": wide[:, 0], "edge": np.array(8), "none": np.zeros((0, 3), np.int16)}


class SmallState(Good):
    model = SmallStateModel

    def restore(self, problem, state):
        assert state["edge"].shape == ()
        assert state["none"].shape == (0, 3)
        return super().restore(problem, state)


class NamedModel(Model):
    def state(self):
        return {"share": self.share, "name": np.array(["a", "b"])}


class Named(Good):
    model = NamedModel


class PickyModel(Model):
    def state(self):
        return {"share": self.share.astype(">f4")}


class Picky(Good):
    """Takes its arrays in one byte order alone, which a package does not keep."""

    model = PickyModel

    def restore(self, problem, state):
        if state["share"].dtype.byteorder != ">":
            raise ValueError("little-endian")
        return super().restore(problem, state)
