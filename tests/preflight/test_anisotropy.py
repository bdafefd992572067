import numpy as np
import pytest

from mesofuse.preflight.anisotropy import axis_lengths


@pytest.mark.parametrize("lengths", [(6, 2, 2), (2, 2, 5), (2, 4, 2)])
def test_lengths_of_a_stretched_field(lengths, media):
    volume = media.gaussian((96, 96, 96), lengths, np.random.default_rng(0))
    found = axis_lengths([volume], [1], (1, 1, 1))
    assert np.array(found.lengths) / min(found.lengths) == pytest.approx(np.array(lengths) / 2, rel=0.2)
    assert found.sigmas > 5


def test_spacing_undoes_an_anisotropic_voxel(media):
    volume = media.gaussian((96, 48, 48), (6, 3, 3), np.random.default_rng(1))
    found = axis_lengths([volume], [1], (1, 2, 2))
    assert found.ratio < 1.3


def test_isotropic_media_seldom_stand_out(media):
    rng = np.random.default_rng(2)
    images = [axis_lengths([media.gaussian((128, 128), 4, rng)], [1], (1, 1)) for _ in range(40)]
    assert sum(f.ratio > 1.3 and f.sigmas > 3 for f in images) <= 1
    volumes = [axis_lengths([media.discs((40, 40, 40), 4, 0.4, rng)], [1], (1, 1, 1)) for _ in range(20)]
    assert sum(f.ratio > 1.3 and f.sigmas > 3 for f in volumes) <= 1


def test_layers_that_never_end():
    layers = np.broadcast_to((np.arange(64) // 4 % 2)[:, None, None], (64, 64, 64)).astype(np.uint8)
    found = axis_lengths([layers], [1], (1, 1, 1))
    assert found.lengths[0] < 4
    assert found.lengths[1:] == (32, 32)
    assert found.ratio > 8


@pytest.mark.parametrize(
    "piece",
    [
        np.zeros((32, 32), np.uint8),
        np.ones((32, 32, 32), np.uint8),
        np.eye(8, dtype=np.uint8),
        np.zeros((1, 64, 64), np.uint8),
        (np.indices((64, 64)).sum(0) > 64).astype(np.uint8) * 0 + (np.arange(64) > 0).astype(np.uint8),
    ],
)
def test_too_little_to_tell(piece):
    found = axis_lengths([piece], [1], (1,) * piece.ndim)
    assert found is None or found.ratio < 100
