import numpy as np
import pytest
import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.problem import Problem
from mesofuse.simulation.electrode import make_electrode, make_scan, sections
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases

SHAPE = (96, 96, 96)


@pytest.fixture(scope="module")
def electrode() -> LabelArray:
    return make_electrode(SHAPE, seed=1)


def areas(labels: np.ndarray, a: int, b: int) -> list[float]:
    """Unlike faces of a periodic volume over all faces, normal to each axis."""
    shares = []
    for axis in range(3):
        other = np.roll(labels, 1, axis)
        shares.append(float(np.mean(((labels == a) & (other == b)) | ((labels == b) & (other == a)))))
    return shares


def test_fractions_are_as_asked(electrode: LabelArray) -> None:
    fractions = np.bincount(electrode.array.ravel(), minlength=3) / electrode.array.size
    assert fractions == pytest.approx([0.495, 0.385, 0.12], abs=0.01)
    assert fractions[2] == pytest.approx(0.12, abs=1e-5)
    assert electrode.array.dtype == np.uint8
    assert [p.name for p in electrode.phases] == ["pore", "active", "binder"]
    assert electrode.grid == Grid(SHAPE, (0.1,) * 3, "micrometer")


@pytest.mark.parametrize(("pair", "expected"), [((0, 1), 0.019), ((0, 2), 0.069), ((1, 2), 0.024)])
def test_areas_are_those_of_a_cathode_in_every_direction(
    electrode: LabelArray, pair: tuple[int, int], expected: float
) -> None:
    shares = areas(electrode.array, *pair)
    assert np.mean(shares) == pytest.approx(expected, rel=0.2)
    # Faces that the period joins count as any others do: had the volume seams, they would stand out.
    assert max(shares) / min(shares) < 1.15


def test_binder_is_finer_than_a_scan_voxel(electrode: LabelArray) -> None:
    binder = electrode.array == 2
    runs = np.diff(np.flatnonzero(np.diff(np.pad(binder.reshape(-1), 1).astype(np.int8))))[::2]
    assert 1.2 < runs.mean() < 4


def test_binder_keeps_to_the_particles(electrode: LabelArray) -> None:
    active = electrode.array == 1
    near = np.zeros(SHAPE, bool)
    for axis in range(3):
        for by in (-2, -1, 1, 2):
            near |= np.roll(active, by, axis)
    near &= ~active
    far = ~near & ~active
    binder = electrode.array == 2
    assert binder[near].mean() > 2.5 * binder[far].mean() > 0


def test_the_seed_decides(electrode: LabelArray) -> None:
    assert np.array_equal(make_electrode(SHAPE, seed=1).array, electrode.array)
    other = make_electrode(SHAPE, seed=2).array
    # Independent volumes of these fractions agree in about 0.495² + 0.385² + 0.12² of their voxels.
    assert np.mean(other == electrode.array) == pytest.approx(0.41, abs=0.03)


def test_sides_may_differ_and_be_small() -> None:
    assert make_electrode((16, 40, 23), seed=0).array.shape == (16, 40, 23)


@pytest.mark.parametrize(
    "arguments", [{"shape": (8, 32, 32)}, {"shape": (32, 32)}, {"active_fraction": 0.5, "binder_fraction": 0.5}]
)
def test_what_cannot_be_made_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(UserError):
        make_electrode(**{"shape": (32, 32, 32), **arguments})  # type: ignore[arg-type]


def test_sections_are_planes_of_the_volume(electrode: LabelArray) -> None:
    images = sections(electrode, 5, 96, seed=3)
    assert images.array.shape == images.grid.shape == (5, 96, 96)
    assert images.grid.voxel_size[1:] == (0.1, 0.1)
    for i, image in enumerate(images.array):
        planes = np.moveaxis(electrode.array, i % 3, 0)
        assert any(np.array_equal(plane, image) for plane in planes)
    assert not np.array_equal(images.array[0], images.array[3])
    assert sections(electrode, 2, 40).array.shape == (2, 40, 40)
    with pytest.raises(UserError):
        sections(electrode, 1, 97)


class Mean(torch.nn.Module):
    """The mean over each 2 × 2 × 3 block; asks for a halo to test that windows are cut back."""

    halo = (1, 1, 1)

    def forward(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
        low = torch.stack([probabilities[:, 0] + probabilities[:, 2], probabilities[:, 1]], 1)
        return torch.nn.functional.avg_pool3d(low, (2, 2, 3))


def test_scan_shows_what_the_degradation_says(electrode: LabelArray) -> None:
    low = default_phases(2, ["pore", "active"])
    problem = Problem((2.0, 2.0, 3.0), low, electrode.phases, PhaseMatch(((0, 2), (1,))))
    truth = LabelArray(electrode.array[:41, :40, :59], Grid((41, 40, 59), (0.1,) * 3, "micrometer"), electrode.phases)
    scan = make_scan(truth, Mean(), problem)
    assert scan.array.shape == scan.grid.shape == (20, 20, 19)
    blocks = (truth.array[:40, :, :57] == 1).reshape(20, 2, 20, 2, 19, 3).sum((1, 3, 5))
    assert np.array_equal(scan.array[blocks != 6], (blocks > 6)[blocks != 6])
    assert scan.phases == low
    assert scan.grid.voxel_size == pytest.approx((0.2, 0.2, 0.3))
    assert scan.grid.refined(problem.scale).origin == pytest.approx(truth.grid.origin)


def test_scan_of_too_small_a_volume_is_refused() -> None:
    phases = default_phases(3)
    tiny = LabelArray(np.zeros((3, 3, 3), np.uint8), Grid((3, 3, 3)), phases)
    with pytest.raises(UserError, match="smaller than one scan voxel"):
        make_scan(tiny, Mean(), Problem((4.0,) * 3, phases[:2], phases, PhaseMatch(((0, 2), (1,)))))
