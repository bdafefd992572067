import numpy as np
import pytest

from mesofuse.preflight.best_scale import best_scale
from mesofuse.preflight.scale_curves import prevailing

BOTH = ((0,), (1,))


def pieces(image):
    return [np.asarray(image, np.uint8)]


def find(scan, image, scale, phases=(1,), shows=BOTH):
    images = pieces(image)
    return best_scale(pieces(scan), (images,) * 3, shows, (float(scale),) * 3, phases)


@pytest.mark.parametrize("instrument", ["blur-downsample", "nearest"])
@pytest.mark.parametrize("stated", [2, 4, 8, 40])
def test_electrode(instrument, stated, electrode):
    scans, images = electrode
    trio = ([*images],) * 3
    found = best_scale([scans[instrument]], trio, ((0, 2), (1,)), (float(stated),) * 3, (0,))
    assert found.factor * stated == pytest.approx(4, rel=0.15)
    assert found.low * stated < 4.2
    assert found.high * stated > 3.8
    assert found.mismatch < 0.05
    assert found.stated_mismatch > (0.1 if stated != 4 else 0)


def test_scan_finer_than_the_image(media):
    rng = np.random.default_rng(0)
    found = find(media.gaussian((64, 64, 64), 6, rng), media.gaussian((256, 256), 3, rng), 2)
    assert found.factor * 2 == pytest.approx(0.5, rel=0.15)


def test_scale_that_differs_by_axis(media):
    rng = np.random.default_rng(1)
    scan = media.gaussian((40, 80, 80), (2, 4, 4), rng)
    images = pieces(media.gaussian((400, 400), 8, rng))
    found = best_scale(pieces(scan), (images,) * 3, BOTH, (4.0, 2.0, 2.0), (1,))
    assert found.factor == pytest.approx(1, rel=0.1)
    wrong = best_scale(pieces(scan), (images,) * 3, BOTH, (2.0, 4.0, 4.0), (1,))
    assert wrong.mismatch > 2 * found.mismatch


def test_an_image_for_each_direction(media):
    rng = np.random.default_rng(2)
    scan = media.gaussian((96, 48, 48), (6, 2, 2), rng)
    across, along = media.gaussian((300, 300), 8, rng), media.gaussian((400, 300), (24, 8), rng)
    right = best_scale(pieces(scan), (pieces(across), pieces(along), pieces(along)), BOTH, (4.0,) * 3, (1,))
    assert right.factor == pytest.approx(1, rel=0.15)
    images = pieces(across)
    assert best_scale(pieces(scan), (images,) * 3, BOTH, (4.0,) * 3, (1,)).mismatch > 2 * right.mismatch


def test_interval_holds_the_truth_and_narrows(media):
    rng = np.random.default_rng(3)
    inside, widths = 0, {}
    for size in (160, 320):
        for _ in range(12):
            fine = media.gaussian((size, size), 6, rng)
            found = find(media.gaussian((size // 4,) * 3, 1.5, rng), fine, 4)
            inside += found.low <= 1 <= found.high
            widths.setdefault(size, []).append(np.log(found.high / found.low))
    assert inside >= 19
    assert np.mean(widths[320]) < np.mean(widths[160])


def test_image_seen_through_the_scan_fits_itself(media):
    image = media.gaussian((512, 512), 5, np.random.default_rng(4))
    seen = prevailing(image, BOTH, 4.0)
    scan = np.stack([seen[i : i + 64, j : j + 64] for i in (0, 64) for j in (0, 64)] * 8)
    found = find(scan, image, 4)  # along z the copies repeat, which no image shows
    assert found.mismatch > 0.1


@pytest.mark.parametrize(
    ("scan", "image"),
    [
        (np.zeros((32, 32, 32)), np.eye(64)),
        (np.ones((4, 32, 32)), np.eye(64)),
        (np.indices((32, 32, 32)).sum(0) // 8 % 2, np.zeros((64, 64))),
        (np.indices((32, 32, 32)).sum(0) // 8 % 2, np.eye(4)),
        (np.zeros((1, 1, 1)), np.ones((1, 1))),
    ],
)
def test_too_little_to_tell(scan, image):
    assert find(scan, image, 4) is None
