import numpy as np
import pytest
from mesofuse_adversarial.options import PointSpreadOptions
from mesofuse_adversarial.point_spread import PointSpread

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.simulation.electrode import make_electrode, make_scan, sections
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases

SHOWS = ((0,), (1,), (2,))
PROBLEM = Problem((4.0,) * 3, default_phases(3), default_phases(3), PhaseMatch(SHOWS))


@pytest.fixture(scope="module")
def material():
    """Two realisations: one is scanned, the other is where the images are cut."""
    volumes = [make_electrode((128, 128, 128), seed=s, particle_radius=8.0) for s in (0, 1)]
    return volumes[0], sections(volumes[1], 6, 128)


def scanned(truth, sigma, problem=PROBLEM):
    return make_scan(truth, PointSpread(PointSpreadOptions(sigma=sigma), problem), problem)


def estimate(scan, image, problem=PROBLEM, **options):
    said = []
    found = PointSpread.estimate(
        PointSpreadOptions(sigma="estimate", **options), FusionInputs(scan, (image,) * 3, problem), said.append
    )
    return found.sigma, said


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_finds_the_blur_within_a_quarter_of_a_scan_voxel(material, sigma):
    truth, image = material
    found, said = estimate(scanned(truth, sigma), image)
    assert np.abs(np.array(found) - sigma).max() <= 1.0
    assert not [s for s in said if "no blur makes" in s]


@pytest.mark.parametrize("sigma", [(1.0, 1.0, 3.0), (3.0, 1.0, 1.0)])
def test_finds_the_axis_that_is_blurred_more(material, sigma):
    truth, image = material
    found, _ = estimate(scanned(truth, sigma), image)
    assert int(np.argmax(found)) == int(np.argmax(sigma))
    assert np.abs(np.array(found) - sigma).max() <= 1.2


def test_a_stronger_blur_is_estimated_stronger_and_repeats(material):
    truth, image = material
    found = [estimate(scanned(truth, s), image)[0][0] for s in (1.0, 3.0)]
    assert found[1] - found[0] == pytest.approx(2.0, abs=0.8)
    assert estimate(scanned(truth, 3.0), image)[0][0] == found[1]


def test_other_material_is_warned_of(material):
    _, image = material
    layers = np.broadcast_to((np.arange(32) // 8 % 3)[:, None, None], (32, 32, 32)).astype(np.uint8)
    _, said = estimate(LabelArray(np.ascontiguousarray(layers), Grid((32, 32, 32)), default_phases(3)), image)
    assert any("no blur makes the image look like the scan" in s for s in said)


def test_a_planar_job_has_no_blur_across_the_plane(material):
    truth, image = material
    problem = Problem((1.0, 4.0, 4.0), default_phases(3), default_phases(3), PhaseMatch(SHOWS))
    plane = LabelArray(truth.array[:1], Grid((1, 128, 128)), truth.phases)
    found, _ = estimate(scanned(plane, (0, 2.0, 2.0), problem), image, problem)
    assert found[0] == 0
    assert max(found) <= 8


def test_numbers_stay_what_they_are(material):
    truth, image = material
    given = PointSpreadOptions(sigma=(1, 2, 3))
    assert PointSpread.estimate(given, FusionInputs(truth, (image,) * 3, PROBLEM), print) is given


def test_too_little_is_refused_in_a_sentence(material):
    truth, image = material
    scan = scanned(truth, 1.0)
    small = LabelArray(image.array[:, :40, :40], Grid((6, 40, 40)), image.phases)
    with pytest.raises(UserError, match="40 × 40 pixels is too small"):
        estimate(scan, small)
    with pytest.raises(UserError, match="8 × 8 × 8 voxels is too small"):
        estimate(LabelArray(scan.array[:8, :8, :8], Grid((8, 8, 8)), scan.phases), image)
    with pytest.raises(UserError, match="this job has none"):
        estimate(None, image)
