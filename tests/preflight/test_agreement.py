import numpy as np
import pytest

from mesofuse.interfaces.problem import Problem
from mesofuse.preflight.agreement import check_fractions, check_scale
from mesofuse.preflight.check import Sample
from mesofuse.volumes.phases import PhaseMatch, default_phases

MATCH = PhaseMatch(((0,), (1,)))


def noise(shape, fraction, seed=0):
    return (np.random.default_rng(seed).random(shape) < fraction).astype(np.uint8)


def samples(scan, image, phases=2, low=2):
    scan, image = [np.asarray(scan, np.uint8)], [np.asarray(image, np.uint8)]
    return (
        Sample("scan", (scan,) * 3, default_phases(low, ("a", "b", "c")[:low])),
        Sample("image", (image,) * 3, default_phases(phases, ("p", "q", "r")[:phases])),
    )


@pytest.mark.parametrize(("fraction", "status"), [(0.4, "ok"), (0.43, "ok"), (0.3, "warning"), (0.55, "warning")])
def test_fractions(fraction, status):
    check = check_fractions(*samples(noise((32, 32, 32), 0.4), noise((256, 256), fraction, 1)), MATCH)
    assert check.status == status
    assert check.numbers["b"]["scan"]["fraction"] == pytest.approx(0.4, abs=0.01)
    assert check.numbers["b"]["image"]["fraction"] == pytest.approx(fraction, abs=0.01)
    assert check.numbers["b"]["scan"]["error_95"] > 0
    assert ("disagree" in check.sentence) == (status == "warning")


def test_small_fractions_are_held_to_less():
    check = check_fractions(*samples(noise((48, 48, 48), 0.02), noise((512, 512), 0.04, 1)), MATCH)
    assert check.status == "warning"


def test_an_unsure_sample_does_not_disagree(media):
    rng = np.random.default_rng(0)
    coarse = [media.gaussian((64, 64), 4, rng) for _ in range(40)]
    assert sum(abs(image.mean() - 0.5) > 0.06 for image in coarse) > 10
    statuses = [check_fractions(*samples(noise((32, 32, 32), 0.5), image), MATCH).status for image in coarse]
    assert statuses.count("warning") <= 2


def test_several_phases_shown_by_one():
    image = np.random.default_rng(0).choice(3, (256, 256), p=[0.3, 0.4, 0.3])
    scan = noise((32, 32, 32), 0.4)
    assert check_fractions(*samples(scan, image, 3), PhaseMatch(((0, 2), (1,)))).status == "ok"
    assert check_fractions(*samples(scan, image, 3), PhaseMatch(((0, 1), (2,)))).status == "warning"


def test_nothing_agrees_beside_a_phase_that_no_rule_names():
    image = np.random.default_rng(0).choice(3, (256, 256), p=[0.3, 0.4, 0.3])
    check = check_fractions(*samples(noise((32, 32, 32), 0.4), image, 3), MATCH)
    assert check.status == "unknown"
    assert "agree" not in check.sentence
    assert check.numbers["free"]["phases"] == ["r"]
    assert check.numbers["free"]["fraction"] == pytest.approx(0.3, abs=0.01)
    # What can be said: the scan's phase has at least the image's share of what it shows, at most that and all of r.
    low, high = check.numbers["a"]["image"]["fraction"], check.numbers["free"]["fraction"]
    assert f"% of the scan, {100 * low:.1f} to {100 * (low + high):.1f} % of the image; b " in check.sentence
    outside = check_fractions(*samples(noise((32, 32, 32), 0.2), image, 3), MATCH)
    assert outside.status == "warning"
    assert "wherever r (" in outside.sentence
    assert "enough data" in check_fractions(*samples(noise((2, 2, 2), 0.5), image, 3), MATCH).sentence


def test_the_scale_is_said_to_leave_out_what_no_rule_names(media):
    rng = np.random.default_rng(0)
    scan, image = samples(media.gaussian((64, 64, 64), 2, rng), media.gaussian((640, 640), 8, rng), 3)
    check = check_scale(scan, image, Problem((4.0,) * 3, scan.phases, image.phases, MATCH))
    assert check.sentence.endswith("What no rule names (r) is left out of this.")


def test_a_phase_is_missing():
    scan = np.random.default_rng(0).choice(3, (32, 32, 32), p=[0.3, 0.4, 0.3])
    image = noise((256, 256), 0.5)
    check = check_fractions(*samples(scan, image, 3, 3), PhaseMatch(((0,), (1,), (2,))))
    assert check.status == "warning"
    assert "c is" in check.sentence
    assert check_fractions(*samples(np.zeros((32, 32, 32)), noise((99, 99), 0.5)), MATCH).status == "warning"


def test_not_enough_to_tell():
    assert check_fractions(*samples(noise((2, 2, 2), 0.5), noise((256, 256), 0.5)), MATCH).status == "unknown"
    halves = np.repeat([0, 1], 32)[None].repeat(64, 0)
    assert check_fractions(*samples(noise((32, 32, 32), 0.4), halves), MATCH).status == "unknown"
    check = check_scale(*samples(noise((2, 2, 2), 0.5), halves), Problem((4.0,) * 3, (), (), MATCH))
    assert check.status == "unknown"
    assert check.numbers == {"stated": [4.0] * 3}


@pytest.mark.parametrize(("stated", "status"), [(4, "ok"), (3, "warning"), (2, "warning"), (8, "warning")])
def test_scale(stated, status, media):
    rng = np.random.default_rng(0)
    scan, image = samples(media.gaussian((64, 64, 64), 2, rng), media.gaussian((640, 640), 8, rng))
    check = check_scale(scan, image, Problem((float(stated),) * 3, scan.phases, image.phases, MATCH))
    assert check.status == status
    assert check.numbers["best"] == pytest.approx([4] * 3, rel=0.1)
    if status == "warning":
        assert f"stated scale factor {stated}:" in check.sentence
        assert any(f"about {text} " in check.sentence for text in ("3.8", "3.9", "4", "4.1", "4.2"))


def test_no_scale_makes_different_structures_alike(media):
    layers = np.broadcast_to((np.arange(64) // 4 % 2)[:, None, None], (64, 64, 64))
    scan, image = samples(layers, media.gaussian((300, 300), 8, np.random.default_rng(0)))
    check = check_scale(scan, image, Problem((4.0,) * 3, scan.phases, image.phases, MATCH))
    assert check.status == "unknown" or "may not show the same structure" in check.sentence
