"""What decides which model of a run is kept."""

import numpy as np
import pytest

from mesofuse.interfaces.method import FusionInputs
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.registry import get_registry
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.training.generator_model import GeneratorModel
from mesofuse.training.recipe import SelectionOptions
from mesofuse.training.selection import CONSISTENCY, Selector, relative_error

PROBLEM = make_problem(2, 2, 2)
METRICS = ("volume-fraction", "surface-area", "low-res-consistency")


class Repeating(GeneratorModel):
    """Shows each voxel of the scan as it is, or with the two phases exchanged."""

    def __init__(self, exchange: bool) -> None:
        self.problem, self.noise, self.exchange = PROBLEM, (), exchange

    def reconstruct(self, tile, *, probabilities=False):
        field = 1 - tile.field if self.exchange else tile.field
        labels = field.repeat(2, 0).repeat(2, 1).repeat(2, 2)
        return type("Output", (), {"labels": labels})()


def selector(images=None, **options):
    image = blobs((1, 64, 64), 2, seed=1)
    inputs = FusionInputs(blobs((16, 16, 16), 2), images or (image,) * 3, PROBLEM)
    instrument = get_registry().find("degradation", "area-average").build(None, PROBLEM)
    return Selector(SelectionOptions(**{"metrics": METRICS, "window": 12} | options), inputs, instrument, seed=0)


def test_relative_error_by_hand():
    target = {"a": 2.0, "b": 0.5}
    assert relative_error({"a": 1.0, "b": 0.5}, target) == pytest.approx(0.25)
    assert relative_error({"a": 2.0, "b": 0.5, CONSISTENCY: 0.9, f"{CONSISTENCY} else": 0.0}, target) == pytest.approx(
        0.1
    )
    assert relative_error({"a": 0.001}, {"a": 0.0}) == pytest.approx(
        1
    )  # rarer than 1 in 1000 is compared on that scale
    assert relative_error({}, {}) == 0


def test_a_result_with_exchanged_phases_is_worse_by_what_it_misses_of_the_scan():
    chosen = selector()
    good, bad = (chosen.check(Repeating(exchange)) for exchange in (False, True))
    assert good.values[CONSISTENCY] == 1
    assert bad.values[CONSISTENCY] == 0
    assert bad.error > good.error + 0.9


def test_anisotropic_material_is_compared_plane_by_plane():
    flat, tall = blobs((1, 64, 64), 2, seed=1), blobs((1, 64, 64), 2, seed=2)
    chosen = selector((flat, flat, tall))
    assert {k[:2] for k in chosen.target} == {"z:", "y:", "x:"}
    share = float(np.mean(tall.array == 0))
    assert chosen.target["x: volume-fraction phase 0"] == pytest.approx(share)
    assert set(chosen.target) <= set(chosen.check(Repeating(False)).values)


def test_the_distance_from_the_image_adds_to_the_error_and_its_floor_does_not():
    plain, textured = selector(), selector(metrics=(*METRICS, "pattern-distance"))
    one, other = (chosen.check(Repeating(False)) for chosen in (plain, textured))
    distances = [v for k, v in other.values.items() if k.startswith("pattern-distance")]
    assert len(distances) == 9
    assert not any("floor" in k for k in other.values)
    assert other.error == pytest.approx(one.error + np.mean(distances))
    assert set(textured.target) == set(plain.target)


def test_where_the_last_model_is_kept_each_check_has_noise_of_its_own():
    class Noisy(Repeating):
        def __init__(self):
            super().__init__(False)
            self.noise, self.seen = (NoiseSpec("own", 1),), []

        def reconstruct(self, tile, *, probabilities=False):
            self.seen.append(tile.noise[0].sum())
            return super().reconstruct(tile)

    for keep, count in (("best", 2), ("last", 4)):
        model, chosen = Noisy(), selector(keep=keep)
        model.scale = (2.0, 2.0, 2.0)
        chosen.check(model, 10)
        chosen.check(model, 20)
        assert len(set(model.seen)) == count
