import pytest

from mesofuse.config.method import resolve_method
from mesofuse.testing import assert_conforms


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("generator", "superres"),
        ("generator", "superres-slim"),
        ("critic", "superres"),
        ("critic", "superres-slim"),
        ("critic", "multi-scale"),
    ],
)
def test_components_conform(kind, name):
    assert_conforms(kind, name)


@pytest.mark.slow
def test_the_method_conforms():
    assert_conforms("method", "superres")


def test_the_paper_preset_is_the_papers():
    _, options = resolve_method("superres", "paper", {})
    recipe = options.model_dump()
    assert recipe["generator"] == {"name": "superres"}
    assert recipe["critic"] == {"name": "superres"}
    assert recipe["shared_critic"] is False
    assert recipe["critic_steps"] == 5
    assert (recipe["batch"]["volumes"], recipe["batch"]["slices"], recipe["batch"]["real"]) == (8, None, 64)
    assert recipe["optimizer"]["rate"] == 1e-4
    assert recipe["optimizer"]["betas"] == (0.5, 0.999)
    assert recipe["losses"] == ({"name": "wasserstein-gp"}, {"name": "voxelwise"})
