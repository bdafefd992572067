import numpy as np
import pytest
from mesofuse_slicegan.method import SliceGAN, planes_of

from mesofuse.config.method import resolve_method
from mesofuse.errors import UserError
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray

SMALL = {**SliceGAN.test_options, "batch": {"volumes": 1, "context": 0, "slices": 2}}


def inputs(*shapes):
    images = [blobs(shape, 3, seed) for seed, shape in enumerate(shapes)]
    images = images * 3 if len(images) == 1 else images
    return FusionInputs(None, tuple(images), make_problem(0, 3, 1))


def fit(given, folder, **options):
    folder.mkdir(exist_ok=True)
    _, chosen = resolve_method("slicegan", None, {**SMALL, **options})
    return SliceGAN(chosen).fit(given, FitRun(folder, 0, "cpu", Budget(steps=1), False, lambda event: None))


def test_the_paper_preset_is_the_papers():
    _, options = resolve_method("slicegan", "paper", {})
    recipe = options.model_dump()
    assert recipe["generator"]["widths"] == [1024, 512, 128, 32]
    assert recipe["generator"]["latent"] == 32
    assert recipe["critic"] == {"name": "slicegan", "channels": 64}
    assert recipe["critic_steps"] == 5
    assert (recipe["batch"]["volumes"], recipe["batch"]["slices"]) == (8, None)
    assert (recipe["optimizer"]["rate"], recipe["optimizer"]["betas"]) == (1e-4, (0.9, 0.99))
    assert recipe["losses"] == ({"name": "wasserstein-gp"},)
    assert recipe["degradation"] is None


def test_the_preset_without_critics_learns_patterns_of_phases_and_patches_of_grey_values():
    _, phases = resolve_method("slicegan", "patterns", {})
    assert phases.critic is None
    assert [part.name for part in phases.losses] == ["patterns"]
    assert phases.labels.choice == "drawn"
    _, grey = resolve_method("slicegan", "patterns", {}, "grey")
    assert grey.critic is None
    assert [part.name for part in grey.losses] == ["patch-distribution", "variogram"]
    assert (grey.selection.metrics, grey.selection.keep) == ((), "last")
    _, slim = resolve_method("slicegan", "slim", {}, "grey")
    assert [part.name for part in slim.losses] == ["wasserstein-gp", "variogram"]


def test_it_trains_without_critics_on_images_narrower_than_its_volumes(tmp_path):
    """Spacings whose patterns do not fit are left out."""
    small = {"generator": SMALL["generator"]}
    _, chosen = resolve_method("slicegan", "patterns", small)
    for name, given in {"a": inputs((1, 40, 50)), "b": inputs((1, 70, 80), (2, 64, 70), (1, 90, 64))}.items():
        (tmp_path / name).mkdir()
        model = SliceGAN(chosen).fit(given, FitRun(tmp_path / name, 0, "cpu", Budget(steps=1), False, lambda e: None))
        assert model.draws


def test_one_image_for_each_direction(tmp_path):
    model = fit(inputs((1, 70, 80), (2, 64, 70), (1, 90, 64)), tmp_path)
    assert model.scale == (16.0, 16.0, 16.0)
    assert model.problem.low_phases == ()


def test_a_training_volume_gives_the_planes_of_every_axis():
    array = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    volume = LabelArray(array, Grid((2, 3, 4), (3.0, 2.0, 1.0), "micrometer"), blobs((2, 3, 4), 3).phases)
    z, y, x = planes_of(FusionInputs(None, (volume,) * 3, make_problem(0, 3, 1)))
    assert z is volume
    # A plane normal to y holds z along its rows and x along its columns; one normal to x, z and y.
    assert np.array_equal(y.array[1], array[:, 1, :])
    assert np.array_equal(x.array[3], array[:, :, 3])
    assert (y.grid.voxel_size, x.grid.voxel_size) == ((2.0, 3.0, 1.0), (1.0, 3.0, 2.0))
    assert y.grid.shape == y.array.shape


def test_it_trains_on_a_volume_with_a_critic_for_each_axis(tmp_path):
    given = inputs((64, 66, 65))
    one, three = fit(given, tmp_path / "a"), fit(given, tmp_path / "b", training_volume=True)
    assert any(not np.array_equal(a, b) for a, b in zip(one.state().values(), three.state().values(), strict=True))


@pytest.mark.parametrize("shapes", [((1, 70, 70),), ((64, 70, 70), (64, 70, 70), (64, 70, 70))])
def test_what_is_no_training_volume_is_refused(shapes, tmp_path):
    with pytest.raises(UserError, match="holds a volume, not a single image or several"):
        fit(inputs(*shapes), tmp_path, training_volume=True)


def test_a_volume_too_thin_for_the_critics_is_refused(tmp_path):
    with pytest.raises(UserError, match="looks at crops"):
        fit(inputs((20, 70, 70)), tmp_path, training_volume=True)


def test_a_scan_is_refused(tmp_path):
    image = blobs((1, 70, 70), 3)
    given = FusionInputs(blobs((16, 16, 16), 2), (image,) * 3, make_problem(2, 3, 4))
    with pytest.raises(UserError, match="takes no scan"):
        fit(given, tmp_path)
