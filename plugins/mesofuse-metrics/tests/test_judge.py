import numpy as np
import torch
from mesofuse_metrics.judge import Judge
from mesofuse_metrics.options import JudgeOptions

from mesofuse.evaluation.measure import measure
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

QUICK = {"patch": 24, "steps": 40, "tested": 256}


def array(labels: np.ndarray) -> LabelArray:
    return LabelArray(labels.astype(np.uint8), Grid(labels.shape), default_phases(3))


def judged(volume: LabelArray, images, **options) -> dict[str, float]:
    found = measure(volume, [("judge", QUICK | options)], images=images)
    return {f"{r.metric} {r.label}": r.value for r in found.results}


def sections(edge: int, count: int, seed: int) -> LabelArray:
    """Independent sections of the material that `blobs` makes."""
    return array(np.concatenate([blobs((3, edge, edge), 3, seed=seed + i).array[:1] for i in range(count)]))


def test_it_guesses_where_the_result_looks_like_the_image() -> None:
    found = judged(blobs((64, 64, 64), 3, seed=1), dict.fromkeys(range(3), sections(120, 8, 10)))
    assert found["judge all planes"] < 0.62
    assert 0.02 < found["judge-error all planes"] < 0.04


def test_it_tells_another_texture_apart() -> None:
    noise = array(np.random.default_rng(0).integers(3, size=(40, 40, 40)))
    found = judged(noise, dict.fromkeys(range(3), sections(100, 4, 10)))
    assert found["judge all planes"] > 0.98


def test_each_image_has_a_judge_of_its_own() -> None:
    volume = blobs((64, 64, 64), 3, seed=1)
    stripes = array(np.broadcast_to((np.arange(100) // 4 % 3)[None, :, None], (4, 100, 100)))
    own = sections(100, 4, 10)
    found = judged(volume, {0: own, 1: own, 2: stripes})
    assert found["judge zy"] < 0.7
    assert found["judge x"] > 0.95


def test_ignored_patches_are_left_out_and_small_inputs_have_no_value() -> None:
    volume = blobs((40, 40, 40), 3, seed=1).array.copy()
    volume[:, :, :8] = 255
    metric = Judge(JudgeOptions(**QUICK))
    from mesofuse.interfaces.metric import MetricContext

    context = MetricContext(Grid(volume.shape), default_phases(3), images=dict.fromkeys(range(3), sections(100, 2, 3)))
    assert 0 <= metric.measure(volume, context)[0].value <= 1
    for labels in (blobs((20, 20, 20), 3).array, np.full((40, 40, 40), 255, np.uint8)):
        assert np.isnan(metric.measure(labels, context)[0].value)


def test_its_random_numbers_are_its_own() -> None:
    volume, image = blobs((40, 40, 40), 3, seed=1), dict.fromkeys(range(3), sections(80, 2, 5))
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = judged(volume, image)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert judged(volume, image) == first
    assert judged(volume, image, seed=1) != first


def test_without_an_image_it_is_skipped() -> None:
    assert measure(blobs((30, 30, 30), 3), ["judge"]).skipped == {"judge": "It needs the image to compare with."}


def test_it_conforms() -> None:
    assert_conforms("metric", "judge")
